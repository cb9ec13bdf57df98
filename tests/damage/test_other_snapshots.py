"""Sound data of another moment or another workload, served as this point: identity is judged, and content."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from acceptance.estates import Place, some_files
from damage.injecting import Stock, another_restic, caught, damaged_and_not_counted, drilled, failed_levels

PAIR = ("crm", "shop")


@pytest.fixture
def estate(place: Place) -> Place:
    """Two trees of equal shape and other content, each with one proven point."""
    for name in PAIR:
        for path in some_files(place.root / "source" / name).iterdir():
            path.write_text(f"{name} {path.name}\n")
    place.write({name: f"kind: files, paths: [{place.root}/source/{name}]" for name in PAIR})
    place.begin(*PAIR)
    place.ask("run", "--all")
    assert [drill["verdict"] for drill in place.ask("drill", "--all")["drills"]] == ["proven", "proven"]
    return place


def test_another_workloads_data_under_our_marks_fails_at_content_and_identity(estate: Place) -> None:
    stock = Stock(estate)
    (ours,), (theirs,) = stock.snapshots("crm"), stock.snapshots("shop")
    stock.imitate("crm", ours, stock.restored("shop", theirs, estate.root / "reworked"))
    failed = failed_levels(drilled(estate, "crm"))
    assert set(failed) == {"L4", "L5", "L6"}
    assert "file-0.txt is missing" in failed["L5"]
    assert f"wrote {ours['id'][:8]}" in failed["L6"]
    damaged_and_not_counted(estate, "crm")


@pytest.mark.long
def test_swapped_repository_folders_do_not_open_with_our_key(estate: Place) -> None:
    with _swapped(estate.repository("crm"), estate.repository("shop")):
        for name in PAIR:
            caught(drilled(estate, name), "L0", "the key does not open the repository", name)
        answer = estate.do("verify", "--json")
    assert answer.status == 6
    assert [each["problems"] for each in answer.document["repositories"] if not each["problems"]] == []
    assert [drill["verdict"] for drill in estate.ask("drill", *PAIR)["drills"]] == ["proven", "proven"]


@contextmanager
def _swapped(one: Path, other: Path) -> Iterator[None]:
    def swap() -> None:
        aside = one.with_name("aside")
        one.rename(aside)
        other.rename(one)
        aside.rename(other)

    swap()
    try:
        yield
    finally:
        swap()


@pytest.mark.long
def test_a_tool_that_restores_another_workload_fails_at_content_and_seal(estate: Place) -> None:
    stock = Stock(estate)
    (theirs,) = stock.snapshots("shop")
    other = stock.restored("shop", theirs, estate.root / "other")
    with another_restic(estate, f"rm -r ./*; cp -a {other}/. ."):
        failed = failed_levels(drilled(estate, "crm"))
    assert set(failed) == {"L4", "L5", "L6"}
    assert "file-0.txt is missing" in failed["L5"]
    assert "of shop" in failed["L6"]


@pytest.fixture
def two_weeks(place: Place) -> Place:
    """A tree with a point of last week and one of today, which differ; and one where they are the same."""
    for name in ("changed", "same"):
        some_files(place.root / name)
    place.write({name: f"kind: files, paths: [{place.root}/{name}]" for name in ("changed", "same")})
    place.begin("changed", "same")
    place.ask("run", "--all")
    (place.root / "changed" / "file-1.txt").write_text("of today\n")
    place.ask("run", "--all")
    return place


def test_last_weeks_point_under_todays_marks_fails_at_L6_even_with_the_same_data(two_weeks: Place) -> None:
    stock = Stock(two_weeks)
    for name, wrong in (("changed", {"L5", "L6"}), ("same", {"L6"})):
        old, new = stock.snapshots(name)
        stock.imitate(name, new, stock.restored(name, old, two_weeks.root / f"old-{name}"))
        drill = drilled(two_weeks, name)
        failed = failed_levels(drill)
        assert set(failed) == wrong, drill
        assert f"wrote {new['id'][:8]}" in failed["L6"]
        assert "file-1.txt" in failed.get("L5", "file-1.txt")
        states = {point["point"]: point["state"] for point in two_weeks.points(name)}
        assert states.pop(drill["point"]) == "damaged"
        (stands,) = two_weeks.ask("status", name)["workloads"]
        assert [stands["point"]] == list(states)  # last week's own point is the newest that counts


@pytest.mark.long
def test_an_old_snapshot_that_was_only_tagged_anew_is_not_todays(two_weeks: Place) -> None:
    stock = Stock(two_weeks)
    old, new = stock.snapshots("same")
    stock.restic("same", "forget", new["id"])
    stock.restic("same", "tag", old["id"], *(f"--set={tag}" for tag in new["tags"]))
    caught(drilled(two_weeks, "same"), "L6", f"wrote {new['id'][:8]}")
    answer = two_weeks.do(
        "restore", "same", "--point", _newest(two_weeks), "--to", str(two_weeks.root / "back"), "--json"
    )
    assert answer.status == 6
    assert "has no snapshot any more" in answer.document["error"]["message"]


@pytest.mark.long
def test_a_tool_that_restores_the_older_snapshot_fails_at_the_seal(two_weeks: Place) -> None:
    stock = Stock(two_weeks)
    for name, wrong in (("changed", {"L5", "L6"}), ("same", {"L6"})):
        old = stock.restored(name, stock.snapshots(name)[0], two_weeks.root / f"old-{name}")
        with another_restic(two_weeks, f"rm -r ./*; cp -a {old}/. ."):
            drill = drilled(two_weeks, name)
        failed = failed_levels(drill)
        assert set(failed) == wrong, drill
        assert "sealed by run" in failed["L6"]


def _newest(place: Place) -> str:
    newest: str = place.points("same")[0]["point"]
    return newest
