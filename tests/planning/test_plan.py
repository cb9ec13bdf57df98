from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.domain.estate import Estate, Exemption, FilesSource, Overrun, Pattern, Window, Workload
from backstay.planning.jobs import Job
from backstay.planning.network import HOST_SLOTS
from backstay.planning.objectives import Standing, is_due, standing
from backstay.planning.plan import Plan, plan_ahead, plan_now
from backstay.ports.catalog import Facts, Measured
from planning.estates import HOUR, NOW, Owed, an_estate, estate, facts, owed_lists, stands, workload

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
HORIZON = 8 * HOUR

workflows = st.sampled_from(["serial", "parallel"])
estates = owed_lists()


def now_plan(owed: Sequence[Owed], workflow: Pattern = "serial", asked: set[str] | None = None) -> Plan:
    return plan_now(an_estate(owed, workflow), stands(owed), NOW, asked=asked)


def both_plans(owed: Sequence[Owed], workflow: Pattern) -> tuple[Plan, Plan]:
    everything = {x.name for x in owed}
    ahead = plan_ahead(an_estate(owed, workflow), stands(owed), NOW, HORIZON)
    return now_plan(owed, workflow, everything), ahead


def rounds(jobs: Sequence[Job]) -> dict[tuple[int, str], Job]:
    """The first, second, … job of each workload, in the order of the plan."""
    count: dict[str, int] = {}
    found = {}
    for job in jobs:
        found[count.get(job.workload, 0), job.workload] = job
        count[job.workload] = count.get(job.workload, 0) + 1
    return found


# --- what every plan keeps ---


@given(estates, workflows)
def test_there_are_never_more_jobs_at_once_than_slots(owed: list[Owed], workflow: Pattern) -> None:
    slots = 1 if workflow == "serial" else HOST_SLOTS
    for plan in both_plans(owed, workflow):
        for job in plan.jobs:
            running = [other for other in plan.jobs if other.start_at <= job.start_at < other.end_at]
            assert len(running) <= slots


@given(estates, workflows)
def test_no_job_starts_in_the_past_and_each_takes_as_long_as_estimated(owed: list[Owed], workflow: Pattern) -> None:
    lengths = {stand.workload.name: stand.estimate for stand in stands(owed)}
    for plan in both_plans(owed, workflow):
        assert all(job.start_at >= NOW and abs(job.length - lengths[job.workload]) <= SECOND for job in plan.jobs)


@given(estates, workflows)
def test_nothing_starts_before_the_end_of_what_it_comes_after_and_runs_with_it(
    owed: list[Owed], workflow: Pattern
) -> None:
    together, _ = both_plans(owed, workflow)
    ended = {job.workload: job.end_at for job in together.jobs}
    assert all(ended[name] <= job.start_at for job in together.jobs for name in job.after if name in ended)


@given(estates, workflows)
def test_two_backups_of_one_workload_never_overlap(owed: list[Owed], workflow: Pattern) -> None:
    _, ahead = both_plans(owed, workflow)
    turns = rounds(ahead.jobs)
    for (number, name), job in turns.items():
        later = turns.get((number + 1, name))
        assert later is None or job.end_at <= later.start_at


@given(estates, workflows, st.randoms(use_true_random=False))
def test_the_same_workloads_give_the_same_plan_in_whatever_order_they_are_listed(
    owed: list[Owed], workflow: Pattern, random: object
) -> None:
    shuffled = list(owed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    for first, again, other in zip(
        both_plans(owed, workflow), both_plans(owed, workflow), both_plans(shuffled, workflow), strict=True
    ):
        assert first.jobs == again.jobs == other.jobs


@given(estates, workflows)
def test_no_plan_is_shorter_than_its_bound(owed: list[Owed], workflow: Pattern) -> None:
    for plan in both_plans(owed, workflow):
        assert plan.bound_s <= plan.makespan_s + 1e-6


@given(estates, workflows)
def test_every_job_says_why(owed: list[Owed], workflow: Pattern) -> None:
    for plan in both_plans(owed, workflow):
        assert all(job.reasons and all(job.reasons) for job in plan.jobs)


def test_planned_backups_start_as_late_as_they_may() -> None:
    """An RPO of a day, an hour in hand and ten minutes for the backup: one every 22 h 50 min."""
    owed = [Owed("crm", 24 * HOUR, 4 * HOUR, (600.0,))]
    plan = plan_ahead(an_estate(owed), stands(owed), NOW, 48 * HOUR)
    first = NOW + 18 * HOUR + 50 * MINUTE
    assert [job.start_at for job in plan.jobs] == [first, first + 22 * HOUR + 50 * MINUTE]


# --- what is in a plan ---


@given(estates, workflows, st.data())
def test_a_plan_for_named_workloads_holds_exactly_these_once_each(
    owed: list[Owed], workflow: Pattern, data: st.DataObject
) -> None:
    names = [x.name for x in owed]
    asked = data.draw(st.sets(st.sampled_from(names))) if names else set()
    jobs = now_plan(owed, workflow, asked).jobs
    assert sorted(job.workload for job in jobs) == sorted(asked)
    assert all(job.reasons[0] == "asked for" for job in jobs)


@given(estates, workflows)
def test_a_plan_for_nothing_by_name_holds_exactly_what_is_due(owed: list[Owed], workflow: Pattern) -> None:
    due = sorted(stand.workload.name for stand in stands(owed) if is_due(stand, NOW))
    assert sorted(job.workload for job in now_plan(owed, workflow).jobs) == due


@given(estates, workflows)
def test_what_is_due_now_opens_every_plan_ahead(owed: list[Owed], workflow: Pattern) -> None:
    _, ahead = both_plans(owed, workflow)
    due = {stand.workload.name for stand in stands(owed) if is_due(stand, NOW)}
    at_once = {job.workload for job in ahead.jobs if job.latest_start_at <= NOW}
    assert at_once == due


def test_an_exempt_workload_is_in_no_plan_even_if_it_is_named() -> None:
    cache = Workload("cache", "files", FilesSource(("/c",)), None, exempt=Exemption("rebuilt", date(2027, 3, 31)))
    owed = Owed("crm", age=None)
    both = estate([cache, workload(owed)])
    known = [standing(cache, Facts(), (), NOW), *stands([owed])]
    assert [job.workload for job in plan_now(both, known, NOW, asked={"cache", "crm"}).jobs] == ["crm"]
    assert {job.workload for job in plan_ahead(both, known, NOW, 30 * HOUR).jobs} == {"crm"}


def test_after_a_late_backup_the_next_is_counted_from_now() -> None:
    owed = [Owed("crm", 24 * HOUR, 30 * HOUR, (600.0,))]
    starts = [job.start_at for job in plan_ahead(an_estate(owed), stands(owed), NOW, 30 * HOUR).jobs]
    assert starts == [NOW, NOW + 22 * HOUR + 50 * MINUTE]


def test_an_empty_plan_takes_no_time() -> None:
    for plan in both_plans([], "parallel"):
        assert (plan.jobs, plan.bound_s, plan.makespan_s) == ((), 0.0, 0.0)


@pytest.mark.parametrize(
    ("owed", "asked", "reasons"),
    [
        (Owed("crm", age=None, seconds=()), False, ("no restore point yet", "duration not measured yet")),
        (Owed("crm", age=None), True, ("asked for", "no restore point yet")),
        (Owed("crm", age=30 * HOUR), False, ("RPO is broken",)),
        (Owed("crm", age=2 * HOUR, failed=True), False, ("the last run failed",)),
        (Owed("crm", age=23 * HOUR), False, ("must start by then to keep its RPO",)),
        (Owed("crm", age=2 * HOUR), True, ("asked for",)),
        (Owed("crm", age=23 * HOUR, group="g"), True, ("asked for", "close to its group g")),
        (Owed("crm", age=23 * HOUR, after=("db",)), True, ("asked for", "after db")),
    ],
)
def test_a_job_says_why_it_starts_now(owed: Owed, asked: bool, reasons: tuple[str, ...]) -> None:
    (job,) = now_plan([owed], asked={"crm"} if asked else None).jobs
    assert job.reasons == reasons


@pytest.mark.parametrize(
    "owed", [Owed("crm", age=None), Owed("crm", age=30 * HOUR), Owed("crm", age=HOUR, failed=True)]
)
def test_only_the_next_backup_is_explained_by_how_the_workload_stands_now(owed: Owed) -> None:
    first, second, *_ = plan_ahead(an_estate([owed]), stands([owed]), NOW, 72 * HOUR).jobs
    assert first.start_at == NOW
    assert first.reasons != second.reasons == ("must start by then to keep its RPO",)


def test_an_impossible_objective_is_named_and_the_work_is_planned_all_the_same() -> None:
    owed = [Owed("crm", 15 * MINUTE, HOUR, (1200.0,)), Owed("web")]
    for plan in both_plans(owed, "serial"):
        assert [error.subject for error in plan.impossible] == ["crm"]
        assert {job.workload for job in plan.jobs} >= {"crm"}


# --- the workflow ---


@pytest.mark.parametrize(
    ("pattern", "workloads", "expected"),
    [("serial", 40, "serial"), ("parallel", 3, "parallel"), ("auto", 9, "serial"), ("auto", 10, "planner")],
)
def test_few_workloads_run_one_after_another(pattern: Pattern, workloads: int, expected: str) -> None:
    owed = [Owed(f"w{x}") for x in range(workloads)]
    for plan in both_plans(owed, pattern):
        assert plan.workflow == expected
        assert plan.why


def test_few_workloads_that_do_not_fit_one_after_another_are_planned() -> None:
    owed = [Owed(f"w{x}", rpo=24 * HOUR, seconds=(5 * 3600.0,)) for x in range(6)]
    for plan in both_plans(owed, "auto"):
        assert plan.workflow == "planner"


# --- windows ---

NIGHT = Window("night", "22:00", "06:00")


def windowed(owed: Owed, overrun: Overrun = "finish") -> tuple[Estate, list[Standing]]:
    """Moments are UTC; NOW is 22:00, when the window opens."""
    one = workload(owed)
    one = replace(one, policy=replace(one.owed, window="night"))
    where = replace(estate([one]), windows={"night": replace(NIGHT, overrun=overrun)})
    return where, [standing(one, facts(one.name, age=owed.age), [Measured(s) for s in owed.seconds], NOW)]


def test_what_waits_for_its_window_starts_when_it_opens() -> None:
    where, known = windowed(Owed("crm", 24 * HOUR, 23 * HOUR))
    assert plan_now(where, known, NOW - HOUR, asked=None).jobs == ()
    (job,) = plan_now(where, known, NOW, asked=None).jobs
    assert job.start_by == NOW + 8 * HOUR
    assert job.stop_at is None
    assert "in its window night" in job.reasons


def test_with_stop_a_job_must_have_ended_when_its_window_closes() -> None:
    where, known = windowed(Owed("crm", 24 * HOUR, 23 * HOUR), "stop")
    (job,) = plan_now(where, known, NOW, asked=None).jobs
    assert job.stop_at == NOW + 8 * HOUR


def test_what_is_asked_for_by_name_runs_outside_its_window_and_says_so() -> None:
    where, known = windowed(Owed("crm", 24 * HOUR, 2 * HOUR))
    (job,) = plan_now(where, known, NOW + 12 * HOUR, asked={"crm"}).jobs
    assert job.reasons == ("asked for", "outside its window night")
    assert job.start_by is None


# --- speed ---


def many(count: int) -> list[Owed]:
    """A tenth waits for its neighbour, every fifth is in a group of fifty, one group is as large as a tenth of all."""
    return [
        Owed(
            f"w{x:05}",
            rpo=timedelta(minutes=1440 + x % 97),
            age=timedelta(minutes=1300 + x % 89),
            seconds=(30.0 + x % 31,),
            group="large" if x % 10 == 3 else f"g{x // 250}" if x % 5 == 0 else None,
            after=(f"w{x - 1:05}",) if x % 10 == 1 else (),
        )
        for x in range(count)
    ]


def seconds_to_plan(owed: Sequence[Owed]) -> float:
    known, where, names = stands(owed), an_estate(owed, "parallel"), {x.name for x in owed}
    begun = time.perf_counter()
    assert len(plan_now(where, known, NOW, asked=names).jobs) == len(owed)
    assert plan_ahead(where, known, NOW, 30 * HOUR).jobs
    return time.perf_counter() - begun


@pytest.mark.parametrize(
    "owed",
    [
        many(2000),
        [Owed(f"w{x}", group="one") for x in range(2000)],
        [Owed(f"w{x}", after=(f"w{x - 1}",) if x else ()) for x in range(2000)],
        [Owed(f"w{x}", group="one", after=("w0",) if x else ()) for x in range(2000)],
    ],
    ids=["mixed", "one group", "one chain", "all after one"],
)
def test_two_thousand_workloads_are_planned_now_and_ahead_within_five_seconds(owed: list[Owed]) -> None:
    assert seconds_to_plan(owed) < 5


def test_too_late_is_what_ends_after_its_rpo_and_not_what_had_no_point_yet() -> None:
    hour = (3600.0,)
    owed = [Owed(name, age=20 * HOUR, seconds=hour) for name in "abcde"]
    owed += [Owed("new", age=None, seconds=hour), Owed("old", age=30 * HOUR, seconds=hour)]
    for plan in both_plans(owed, "serial"):
        # Four hours are left of a day; the one that is too old goes first.
        assert "new" not in plan.late
        assert "old" in plan.late
        ends = {job.workload: job.end_at for job in reversed(plan.jobs)}
        assert {*plan.late} == {"old", *(name for name in "abcde" if ends[name] > NOW + 4 * HOUR)}
        assert len(plan.late) >= 2
