from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.domain.drills import LEVELS, Level, LevelOutcome, LevelResult
from backstay.proof.judging import several, together, unreached, up_to, verdict

NAMES: tuple[Level, ...] = tuple(LEVELS)
OUTCOMES: tuple[LevelOutcome, ...] = ("passed", "failed", "skipped")

levels = st.lists(st.builds(LevelResult, st.sampled_from(NAMES), st.sampled_from(OUTCOMES), st.text(max_size=5)))
good_levels = st.lists(st.builds(LevelResult, st.sampled_from(NAMES), st.sampled_from(OUTCOMES[::2]), st.just("")))


def told(outcomes: str) -> list[LevelResult]:
    """`pp-f` is L0 and L1 passed, L2 skipped, L3 failed."""
    words: dict[str, LevelOutcome] = {"p": "passed", "f": "failed", "-": "skipped"}
    return [LevelResult(name, words[mark], "") for name, mark in zip(NAMES, outcomes, strict=False)]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ("pppppppp", "proven"),
        ("ppppppp-", "proven"),
        ("ppp--pp-", "proven"),
        ("ppppp-p-", "restored"),
        ("pppppp--", "restored"),
        ("ppp-----", "restored"),
        ("ppp", "restored"),
        ("pp------", "inconclusive"),
        ("pp", "inconclusive"),
        ("pp---pp-", "inconclusive"),
        ("", "inconclusive"),
        ("--------", "inconclusive"),
        ("f-------", "failed"),
        ("pf------", "failed"),
        ("ppf-----", "failed"),
        ("pppf----", "failed"),
        ("ppppfpp-", "failed"),
        ("pppppfp-", "failed"),
        ("ppppppf-", "failed"),
        ("pppppppf", "failed"),
    ],
)
def test_a_drill_is_judged_by_what_ran_and_what_it_said(outcomes: str, expected: str) -> None:
    assert verdict(told(outcomes)) == expected


@given(levels, st.sampled_from(NAMES), st.data())
def test_one_failed_level_anywhere_fails_the_drill(others: list[LevelResult], name: Level, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(others)))
    assert verdict([*others[:place], LevelResult(name, "failed", ""), *others[place:]]) == "failed"


@given(good_levels, st.sampled_from(["L5", "L6"]), st.data())
def test_without_data_and_freshness_tested_nothing_is_proven(
    others: list[LevelResult], untested: Level, data: st.DataObject
) -> None:
    everything = data.draw(st.permutations([*told("pppppppp"), *others, LevelResult(untested, "skipped", "")]))
    assert verdict(everything) != "proven"
    assert verdict([level for level in everything if level.level != untested]) != "proven"


@given(good_levels)
def test_what_is_proven_was_also_restored(given_levels: list[LevelResult]) -> None:
    without_data = [level for level in given_levels if level.level not in ("L5", "L6")]
    if verdict(given_levels) == "proven":
        assert verdict(without_data) == "restored"


@given(levels, st.data())
def test_taking_a_pass_away_never_makes_the_verdict_better(
    given_levels: list[LevelResult], data: st.DataObject
) -> None:
    rank = ["failed", "inconclusive", "restored", "proven"]
    passed = [level for level in given_levels if level.result == "passed"]
    if passed:
        lost = data.draw(st.sampled_from(passed))
        skipped = [LevelResult(x.level, "skipped", "") if x is lost else x for x in given_levels]
        assert rank.index(verdict(skipped)) <= rank.index(verdict(given_levels))


@given(st.lists(st.sampled_from(NAMES), unique=True), st.text())
def test_levels_that_were_not_reached_are_listed_as_skipped_with_the_reason(names: list[Level], reason: str) -> None:
    reached = [LevelResult(name, "passed", "seen") for name in names]
    filled = unreached(reached, reason)
    assert tuple(level.level for level in filled) == NAMES
    assert [level for level in filled if level.level in names] == sorted(reached, key=lambda level: level.level)
    assert all((x.result, x.detail) == ("skipped", reason) for x in filled if x.level not in names)


@given(levels)
def test_a_level_that_was_not_reached_changes_no_verdict(given_levels: list[LevelResult]) -> None:
    once = list({level.level: level for level in given_levels}.values())
    assert verdict(unreached(once, "not reached")) == verdict(once)


@pytest.mark.parametrize(("depth", "count"), [("L0", 1), ("L3", 4), ("L6", 7), ("L7", 8)])
def test_a_drill_as_deep_as_a_level_runs_it_and_all_before_it(depth: Level, count: int) -> None:
    assert up_to(depth) == set(NAMES[:count])


@pytest.mark.parametrize(
    ("outcomes", "expected", "detail"),
    [
        ([], "skipped", "no questions"),
        (["passed", "passed"], "passed", "0 passed; 1 passed"),
        (["passed", "skipped"], "skipped", "1 skipped"),
        (["failed", "passed", "failed"], "failed", "0 failed; 2 failed"),
        (["skipped", "failed", "passed"], "failed", "1 failed"),
    ],
)
def test_several_answers_at_one_level_are_as_good_as_the_worst(
    outcomes: list[LevelOutcome], expected: LevelOutcome, detail: str
) -> None:
    answers = [LevelResult("L7", outcome, f"{place} {outcome}") for place, outcome in enumerate(outcomes)]
    assert together("L7", answers) == LevelResult("L7", expected, detail)


@pytest.mark.parametrize(
    ("sentences", "expected"),
    [([], ""), (["a"], "a"), (["a", "b", "c"], "a; b; c"), (["a"] * 2004, "a; a; a; and 2,001 more")],
)
def test_of_many_sentences_the_first_are_told_and_the_rest_counted(sentences: list[str], expected: str) -> None:
    assert several(sentences) == expected
