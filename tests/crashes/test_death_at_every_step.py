"""kill -9 of the program or of a tool, at every step boundary and in the middle of every long step, for every kind.

After the next start there is exactly one point for the run, and nothing is left over.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crashes.deaths import BOUNDARIES, INSIDE_COPY, whole
from crashes.kinds_estate import KINDS, KindsEstate, kinds_estate

LONG = tuple(point for point in (*BOUNDARIES, *INSIDE_COPY) if point not in ("before add_point", "after finish"))
KILLED = -9


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KindsEstate]:
    with kinds_estate(tmp_path_factory.mktemp("kinds")) as made:
        made.place.begin(*KINDS)
        first = made.do("run", "--all", "--json")
        assert first.status == 0, first
        yield made


def resume_and_check(estate: KindsEstate, what: str, *next_start: str) -> None:
    """The next start ends the same runs, with one point each, and leaves nothing."""
    begun = {run.run_id: run.workload for run in estate.open_runs()}
    assert begun, what
    before = {name: estate.stored(name) for name in KINDS}
    taken = {name: [point.run_id for point in estate.points(name)] for name in KINDS}
    estate.wait_until_calm()
    assert not estate.at_work(), f"{what}: something outlived the program"
    answer = estate.do("run", *next_start, "--json")
    assert answer.status == 0, (what, answer)
    ended = {run["run_id"]: run["result"] for run in answer.document["runs"]}
    assert {run_id: ended.get(run_id) for run_id in begun} == dict.fromkeys(begun, "done"), what
    assert estate.troubles() == [], what
    for run_id, name in begun.items():
        points = [point.run_id for point in estate.points(name)]
        assert sorted(points) == sorted({*taken[name], run_id}), what
    for name in KINDS:
        older = {point.snapshot for point in estate.points(name) if point.run_id not in begun}
        kept = estate.stored(name)
        assert {each: kept[each] for each in older} == {each: before[name][each] for each in older}, what


def test_a_program_killed_before_its_points_are_kept_makes_each_once(estate: KindsEstate) -> None:
    died = estate.die("before add_point")
    assert died.status == KILLED, died
    resume_and_check(estate, "before add_point", "--due")


def test_program_and_engines_killed_in_the_middle_of_the_copy_leave_one_point(estate: KindsEstate) -> None:
    died = estate.die("during backup", victim="both")
    assert died.status == KILLED, died
    assert all(whole(estate.place.repository(name) / "locks") for name in KINDS), "there is no lock to clear away"
    resume_and_check(estate, "during backup", "--all")


def test_an_engine_that_is_killed_fails_the_run_and_leaves_nothing(estate: KindsEstate) -> None:
    require_failure(estate, "during backup", KINDS)


@pytest.mark.long
def test_a_dump_that_is_killed_fails_the_run_and_leaves_nothing(estate: KindsEstate) -> None:
    require_failure(estate, "during dump", ("postgresql",))


def require_failure(estate: KindsEstate, point: str, names: tuple[str, ...]) -> None:
    before = {name: len(estate.points(name)) for name in KINDS}
    answer = estate.die(point, *names, victim="tool")
    assert answer.status == 1, answer
    for run in answer.document["runs"]:
        assert (run["result"], run["point"]) == ("failed", None), run
    assert estate.troubles() == []
    assert {name: len(estate.points(name)) for name in KINDS} == before


@pytest.mark.long
def test_cancelling_a_run_whose_program_died_takes_its_snapshot_away(estate: KindsEstate) -> None:
    before = estate.stored("files")
    died = estate.die("after backup", "files")
    assert died.status == KILLED, died
    (run,) = estate.open_runs()
    assert len(estate.stored("files")) == len(before) + 1
    answer = estate.do("cancel", run.run_id, "--json")
    assert (answer.status, answer.document["run"]["result"]) == (0, "cancelled"), answer
    assert estate.stored("files") == before
    assert estate.troubles() == []


@pytest.mark.long
def test_a_run_that_kills_its_program_again_and_again_is_given_up_and_leaves_nothing(estate: KindsEstate) -> None:
    before = estate.stored("files")
    deaths = 0
    while (answer := estate.die("after backup", "files")).status == KILLED:
        deaths += 1
        assert deaths < 10
    assert deaths == 5
    assert answer.status == 1, answer
    (run,) = answer.document["runs"]
    assert run["result"] == "failed"
    assert run["error"]["message"] == "the program died 5 times in the middle of this run, and it was given up"
    assert estate.stored("files") == before
    assert estate.troubles() == []


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_program_killed_while_it_makes_a_repository_leaves_no_half_one(tmp_path: Path) -> None:
    with kinds_estate(tmp_path) as estate:
        died = estate.die("during init")
        assert died.status == KILLED, died
        estate.wait_until_calm()
        answer = estate.do("run", "--due", "--json")
        assert answer.status == 0, answer
        assert estate.troubles() == []
        assert all(len(estate.points(name)) == 1 for name in KINDS)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_program_killed_anywhere_leaves_one_point_and_older_ones_stay_proven(tmp_path: Path) -> None:
    with kinds_estate(tmp_path) as estate:
        assert estate.do("run", "--all").status == 0
        first = [point.point for name in KINDS for point in estate.points(name)]
        for number, point in enumerate(LONG):
            assert estate.die(point).status == KILLED, point
            resume_and_check(estate, point, "--due" if number % 2 else "--all")
        assert estate.die("after finish").status == KILLED
        assert not estate.open_runs(), "a run that has its result has ended"
        taken = {name: len(estate.points(name)) for name in KINDS}
        assert estate.do("run", "--all").status == 0
        assert {name: len(estate.points(name)) - 1 for name in KINDS} == taken
        assert estate.die("during dump", "postgresql").status == KILLED
        resume_and_check(estate, "during dump", "postgresql")
        for point in first:
            drill = estate.do("drill", "--point", point, "--json")
            assert drill.document["drills"][0]["verdict"] == "proven", drill
        for name in KINDS:
            tagged = estate.place.restic(name, "snapshots", "--json").count(f'"workload:{name}"')
            assert tagged == len(estate.points(name))
