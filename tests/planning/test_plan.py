from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from graphlib import CycleError
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.domain.estate import Exemption, FilesSource, Pattern, Workload
from backstay.planning.jobs import Job
from backstay.planning.lanes import as_late, as_soon
from backstay.planning.objectives import is_due, standing
from backstay.planning.order import in_order
from backstay.planning.plan import Plan, lanes_for, plan_ahead, plan_now
from backstay.ports.catalog import Facts
from planning.estates import HOUR, NOW, Owed, a_job, an_estate, estate, job_lists, owed_lists, stands, workload

MINUTE = timedelta(minutes=1)
HORIZON = 8 * HOUR
ZERO = timedelta(0)

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


def lateness(jobs: Sequence[Job]) -> timedelta:
    return max(job.start_at - job.latest_start_at for job in jobs)


# --- what every plan keeps ---


@given(estates, workflows)
def test_there_are_never_more_jobs_at_once_than_lanes(owed: list[Owed], workflow: Pattern) -> None:
    for plan in both_plans(owed, workflow):
        for job in plan.jobs:
            running = [other for other in plan.jobs if other.start_at <= job.start_at < other.end_at]
            assert len(running) <= plan.lanes


@given(estates, workflows)
def test_no_job_starts_in_the_past_and_each_takes_as_long_as_estimated(owed: list[Owed], workflow: Pattern) -> None:
    lengths = {stand.workload.name: stand.estimate for stand in stands(owed)}
    for plan in both_plans(owed, workflow):
        assert all(job.start_at >= NOW and job.length == lengths[job.workload] for job in plan.jobs)


@given(estates, workflows)
def test_nothing_starts_before_the_end_of_what_it_comes_after_in_the_same_round(
    owed: list[Owed], workflow: Pattern
) -> None:
    for plan in both_plans(owed, workflow):
        turns = rounds(plan.jobs)
        for (number, _), job in turns.items():
            before = [turns[number, name] for name in job.after if (number, name) in turns]
            assert all(other.end_at <= job.start_at for other in before)
            assert all(plan.jobs.index(other) < plan.jobs.index(job) for other in before)


@given(estates, workflows)
def test_two_backups_of_one_workload_never_overlap(owed: list[Owed], workflow: Pattern) -> None:
    _, ahead = both_plans(owed, workflow)
    turns = rounds(ahead.jobs)
    for (number, name), job in turns.items():
        later = turns.get((number + 1, name))
        assert later is None or (job.end_at <= later.start_at and job.latest_start_at < later.latest_start_at)


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


# --- groups ---


def grouped_together(jobs: Sequence[Job]) -> bool:
    for group in {job.group for job in jobs if job.group}:
        places = [place for place, job in enumerate(jobs) if job.group == group]
        if places[-1] - places[0] != len(places) - 1:
            return False
    return True


@given(owed_lists(after=False))
def test_members_of_a_group_are_next_to_one_another(owed: list[Owed]) -> None:
    everything, _ = both_plans(owed, "serial")
    assert grouped_together(everything.jobs)


@given(job_lists())
def test_members_of_a_group_are_next_to_one_another_unless_every_order_tears_a_group(jobs: list[Job]) -> None:
    assert grouped_together(in_order(jobs)) == any(grouped_together(order) for order in orders(jobs))


def test_a_group_whose_members_wait_for_one_another_stays_together() -> None:
    day = 24 * HOUR
    owed = [
        Owed("crm-db", day, 10 * HOUR, (3600.0,), group="crm"),
        Owed("crm-files", day, 9 * HOUR, (3600.0,), group="crm", after=("crm-db",)),
        Owed("between", day, 9 * HOUR + 30 * MINUTE, (60.0,)),
    ]
    names = [job.workload for job in now_plan(owed, asked={x.name for x in owed}).jobs]
    assert names == ["between", "crm-db", "crm-files"]  # by its end alone it would come in between


def test_a_group_through_which_another_job_must_go_is_not_kept_together() -> None:
    owed = [
        Owed("a", group="g"),
        Owed("between", after=("a",)),
        Owed("b", group="g", after=("between",)),
    ]
    assert [job.workload for job in now_plan(owed, asked={"a", "b", "between"}).jobs] == ["a", "between", "b"]


def test_a_torn_group_tears_no_other() -> None:
    jobs = [
        a_job("a", 1 * MINUTE, MINUTE, group="torn"),
        a_job("between", 9 * MINUTE, MINUTE, after=("a",)),
        a_job("b", 9 * MINUTE, MINUTE, group="torn", after=("between",)),
        a_job("c", 0 * MINUTE, MINUTE, group="whole"),
        a_job("d", 99 * MINUTE, MINUTE, group="whole"),
    ]
    assert [job.workload for job in in_order(jobs)] == ["c", "d", "a", "between", "b"]


def test_jobs_that_wait_for_one_another_are_never_given_an_order() -> None:
    owed = [Owed("a", after=("b",), group="g"), Owed("b", after=("a",))]
    with pytest.raises(CycleError):
        now_plan(owed, asked={"a", "b"})


# --- objectives ---


def orders(jobs: Sequence[Job]) -> list[list[Job]]:
    """Every order in which nothing comes before what it waits for."""
    return [
        list(order)
        for order in permutations(jobs)
        if all(
            first.workload not in second.after or order.index(first) < place
            for place, second in enumerate(order)
            for first in jobs
        )
    ]


@given(job_lists(groups=False))
def test_on_one_lane_no_other_order_makes_the_latest_start_less_late(jobs: list[Job]) -> None:
    planned = as_soon(in_order(jobs), 1, NOW)
    assert lateness(planned) == min(lateness(as_soon(order, 1, NOW)) for order in orders(jobs))


@given(job_lists())
def test_on_one_lane_no_other_order_that_keeps_groups_together_makes_the_latest_start_less_late(
    jobs: list[Job],
) -> None:
    together = [order for order in orders(jobs) if grouped_together(order)]
    if together:
        planned = as_soon(in_order(jobs), 1, NOW)
        assert lateness(planned) == min(lateness(as_soon(order, 1, NOW)) for order in together)


@given(job_lists(groups=False))
def test_jobs_planned_late_keep_every_latest_start_if_any_order_one_after_another_does(jobs: list[Job]) -> None:
    fits = any(lateness(as_soon(order, 1, NOW)) <= ZERO for order in orders(jobs))
    planned = as_late(in_order(jobs), 1, NOW)
    assert not fits or lateness(planned) <= ZERO


def test_what_another_job_waits_for_goes_ahead_of_jobs_with_as_much_time_as_both() -> None:
    jobs = [
        a_job("db", 60 * MINUTE, 10 * MINUTE),
        a_job("files", 10 * MINUTE, 10 * MINUTE, after=("db",)),
        a_job("one", 5 * MINUTE, 10 * MINUTE),
        a_job("other", 5 * MINUTE, 10 * MINUTE),
    ]
    assert [job.workload for job in in_order(jobs)] == ["db", "one", "other", "files"]


def test_what_another_job_waits_for_is_not_put_off_on_another_lane() -> None:
    jobs = [
        a_job("crm-db", 60 * MINUTE, 10 * MINUTE),
        a_job("crm-files", 30 * MINUTE, 10 * MINUTE, after=("crm-db",)),
    ]
    planned = {job.workload: job.start_at - NOW for job in as_late(in_order(jobs), 2, NOW)}
    assert planned == {"crm-db": 20 * MINUTE, "crm-files": 30 * MINUTE}


def test_a_short_job_without_time_goes_before_a_long_one_that_has_to_start_earlier() -> None:
    """`long` must start by 13:00 and ends at 23:00; `short` must start by 14:00, which it could not behind `long`."""
    owed = [
        Owed("long", 24 * HOUR, 0 * HOUR, (36_000.0,)),  # latest start in 13 h, ten hours long
        Owed("short", 16 * HOUR, 0 * HOUR, (60.0,)),  # latest start in 14 h 59 min, a minute long
    ]
    plan = plan_ahead(an_estate(owed), stands(owed), NOW, 15 * HOUR)
    assert [job.workload for job in plan.jobs] == ["short", "long"]
    assert all(job.start_at <= job.latest_start_at for job in plan.jobs)


def test_planned_backups_start_as_late_as_they_may() -> None:
    """An RPO of a day, an hour in hand and ten minutes for the backup: one every 22 h 50 min."""
    owed = [Owed("crm", 24 * HOUR, 4 * HOUR, (600.0,))]
    plan = plan_ahead(an_estate(owed), stands(owed), NOW, 48 * HOUR)
    first = NOW + 18 * HOUR + 50 * MINUTE
    assert [job.start_at for job in plan.jobs] == [first, first + 22 * HOUR + 50 * MINUTE]


@given(job_lists(), st.integers(1, 4))
def test_one_more_lane_makes_no_job_later(jobs: list[Job], lanes: int) -> None:
    ordered = in_order(jobs)
    fewer, more = as_soon(ordered, lanes, NOW), as_soon(ordered, lanes + 1, NOW)
    assert all(job.end_at <= other.end_at for job, other in zip(more, fewer, strict=True))


@given(job_lists(), st.integers(1, 3), st.data())
def test_a_shorter_job_makes_no_job_later(jobs: list[Job], lanes: int, data: st.DataObject) -> None:
    ordered = in_order(jobs)
    place = data.draw(st.integers(0, len(ordered) - 1))
    shorter = [replace(x, end_at=x.start_at) if at == place else x for at, x in enumerate(ordered)]
    before, now = as_soon(ordered, lanes, NOW), as_soon(shorter, lanes, NOW)
    assert all(job.end_at <= other.end_at for job, other in zip(now, before, strict=True))


@given(job_lists(after=False), st.integers(1, 4))
def test_independent_jobs_take_less_than_twice_their_bound(jobs: list[Job], lanes: int) -> None:
    """R. Graham, Bounds on multiprocessing timing anomalies: at most 2 - 1 / lanes times the best."""
    total, longest = sum((job.length for job in jobs), ZERO), max(job.length for job in jobs)
    bound = max(total / lanes, longest)
    planned = as_soon(in_order(jobs), lanes, NOW)
    assert all(job.end_at - NOW <= bound * (2 - 1 / lanes) + timedelta(milliseconds=1) for job in planned)


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


def test_the_bound_is_the_longest_job_or_an_even_share_of_the_lanes() -> None:
    owed = [Owed("large", seconds=(3600.0,)), Owed("small", seconds=(600.0,))]
    assert now_plan(owed, "serial", {"large", "small"}).bound_s == 4200
    assert now_plan(owed, "parallel", {"large", "small"}).bound_s == 3600


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
    [
        ("serial", 40, ("serial", 1)),
        ("parallel", 3, ("parallel", 2)),
        ("auto", 9, ("serial", 1)),
        ("auto", 10, ("parallel", 2)),
    ],
)
def test_few_workloads_run_one_after_another(pattern: Pattern, workloads: int, expected: tuple[str, int]) -> None:
    workflow, lanes, why = lanes_for(an_estate([Owed(f"w{x}") for x in range(workloads)], pattern))
    assert (workflow, lanes) == expected
    assert why


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
    assert len(plan_ahead(where, known, NOW, 30 * HOUR).jobs) >= len(owed)
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
def test_two_thousand_workloads_are_planned_now_and_ahead_within_two_seconds(owed: list[Owed]) -> None:
    assert seconds_to_plan(owed) < 2
