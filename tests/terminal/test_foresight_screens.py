"""What `compare` and `simulate` show of an estate whose figures are known by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.estates import Place


@pytest.fixture
def three_new(tmp_path: Path) -> Place:
    """Three workloads for the two slots of this machine; none has ever run, so that each is taken for five minutes."""
    place = Place(tmp_path)
    place.write({name: f"kind: files, paths: [{tmp_path}/{name}]" for name in "abc"}, policy="{rpo: 1d}")
    return place


def test_a_pattern_that_keeps_no_slots_is_said_to_keep_none(three_new: Place) -> None:
    ratios = {each["name"]: each["ratio"] for each in three_new.ask("compare")["patterns"]}
    assert (ratios["all-at-once"], ratios["planner"], ratios["serial"]) == (0.5, 1.0, 1.5)
    shown = three_new.do("compare").out
    assert "all-at-once and static: below 1.00, for no limit of slots is kept there" in shown


def test_what_is_not_protected_yet_is_a_gap(three_new: Place) -> None:
    month = three_new.ask("simulate", "--days", "2")
    assert [gap["workload"] for gap in month["gaps"]] == ["a", "b", "c"]
    assert "3 gaps in which an RPO is not met, of 3 workloads" in three_new.do("simulate", "--days", "2").out


@pytest.mark.parametrize("wrong", ["0", "367", "many"])
def test_a_wrong_number_of_days_is_a_document_where_one_was_asked_for(wrong: str, three_new: Place) -> None:
    answer = three_new.do("simulate", "--days", wrong, "--json")
    assert answer.status == 2
    assert "--days" in answer.document["error"]["message"]
