"""The simulator is the scheduler and the planner under a pretend clock, and tells what comes of it."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.config.values import moment as local
from backstay.domain.estate import Blackout, Window
from backstay.planning.calendar.agenda import Entry
from backstay.planning.calendar.chores import Cadence
from backstay.planning.night.model import ALWAYS, Demand, Night, Resource, Schedule
from backstay.planning.night.portfolio import plan_night, plan_quickly
from backstay.planning.simulating import Simulation, Subject, simulate
from backstay.planning.unhindered import plan_lightly, sorted_out, unhindered
from planning.nights import faults, odd_nights
from planning.pretending import DAY, HOUR, MINUTE, START, calendars
from planning.shared_nights import NO_BOUND

VIENNA = ZoneInfo("Europe/Vienna")
MB = 1e6
HOST, TARGET = Resource("host:app1", "host", 100 * MB, slots=2), Resource("target:vault", "target", 200 * MB, slots=4)
RESOURCES = {HOST.key: HOST, TARGET.key: TARGET}


def subject(name: str, rpo: timedelta = DAY, window: str | None = "night", **more: object) -> Subject:
    """Six minutes alone on its host."""
    entry = Entry(name, rpo, 10 * MINUTE, window, START - HOUR)
    made = Subject(entry, 36_000 * MB, 100 * MB, resources=(HOST.key, TARGET.key), added=100 * MB)
    return replace(made, **more)  # type: ignore[arg-type]  # a table of changes has no one type


def simulated(*subjects: Subject, days: int = 7, blackouts: tuple[Blackout, ...] = ()) -> Simulation:
    its = calendars(Window("night", "22:00", "06:00", "stop"), blackouts=blackouts)
    return simulate(subjects, RESOURCES, its, plan_night, VIENNA, START, days)


def test_each_night_has_its_runs_and_each_day_its_figures() -> None:
    seen = simulated(subject("a"), subject("b"), subject("c", 7 * DAY))
    assert [sorted(day.workloads) for day in seen.days] == [["a", "b"]] * 6 + [["a", "b", "c"]]
    assert {day.outside for day in seen.days} == {0}
    assert seen.days[0].peak in (1, 2)
    assert seen.days[0].busy_s == pytest.approx(720, abs=1), "one host carries one of them at a time, or both at half"


def test_no_run_is_planned_over_what_runs_already() -> None:
    long = subject("a", volume=3600 * 100 * MB)
    short = subject("b", 4 * HOUR, None)
    seen = simulated(
        replace(long, resources=("host:app1",)),
        *(replace(short, entry=replace(short.entry, workload=f"s{x}"), resources=("host:app1",)) for x in range(3)),
    )
    moments = sorted([(run.started_at, 1) for run in seen.runs] + [(run.ended_at, -1) for run in seen.runs])
    running = 0
    for _, change in moments:
        running += change
        assert running <= HOST.slots + 1


def test_gaps_are_the_times_in_which_an_rpo_is_not_met() -> None:
    closed = Blackout("move", begin=local("2026-01-03 00:00"), end=local("2026-01-05 00:00"))
    kept = simulated(subject("a", 4 * HOUR, None))
    assert kept.gaps == ()
    broken = simulated(subject("a", 4 * HOUR, None), blackouts=(closed,))
    (gap,) = broken.gaps
    last = max(run.started_at for run in broken.runs if run.started_at < datetime(2026, 1, 2, 23, tzinfo=UTC))
    assert gap.from_at == last + 4 * HOUR
    assert gap.until_at == datetime(2026, 1, 4, 23, 6, tzinfo=UTC)


def test_a_workload_without_a_point_is_unprotected_until_its_first_run_has_ended() -> None:
    fresh = subject("a", entry=Entry("a", 7 * DAY, 10 * MINUTE, "night"))
    (gap,) = simulated(fresh).gaps
    assert (gap.from_at, gap.until_at) == (START, datetime(2026, 1, 1, 21, 6, tzinfo=UTC))


def test_storage_grows_by_what_runs_add() -> None:
    seen = simulated(subject("a"), subject("b"))
    assert [stored for _, stored in seen.storage] == [200 * MB * day for day in range(1, 8)]


def test_a_run_that_needs_more_than_a_night_shows_as_gaps() -> None:
    huge = subject("a", volume=10 * 3600 * 100 * MB)
    assert sum((gap.until_at - gap.from_at for gap in simulated(huge).gaps), timedelta(0)) > 5 * 9 * HOUR


def test_chores_are_spread_over_the_days() -> None:
    weekly = tuple(subject(f"w{place}", chores=(Cadence("verify", 7 * DAY, 600.0, TARGET.key),)) for place in range(28))
    seen = simulated(*weekly, days=14)
    assert seen.balance[TARGET.key] <= 1.3
    # The first day has only half a night of runs, and so the most room.
    assert max(seen.days, key=lambda day: len(day.chores)) is seen.days[0]
    assert sum(len(day.chores) for day in seen.days) >= 28


def test_the_planner_is_asked_for_whatever_may_have_to_wait_and_for_nothing_else() -> None:
    asked: list[Night] = []

    def planner(night: Night) -> Schedule:
        asked.append(night)
        return plan_night(night)

    roomy = {HOST.key: replace(HOST, capacity=1000 * MB), TARGET.key: replace(TARGET, capacity=1000 * MB)}
    simulate([subject("a"), subject("b")], roomy, calendars(), planner, VIENNA, START, 3)
    assert asked == []
    simulate([subject("a"), subject("b")], RESOURCES, calendars(), planner, VIENNA, START, 3)
    assert [len(night.demands) for night in asked] == [2, 2, 2]


def test_each_run_begins_when_it_is_due_whoever_is_due_just_before() -> None:
    """Both want one more run before noon, one of a minute and one of six seconds: a minute of delay is a run less."""
    noon = Blackout("noon", hours="12:00-14:00")
    roomy = {HOST.key: replace(HOST, slots=4, capacity=1000 * MB)}
    long = Subject(Entry("long", 2 * HOUR, MINUTE, None, START), 6000 * MB, 100 * MB, resources=(HOST.key,))
    short = Subject(Entry("short", HOUR, MINUTE / 10, None, START), 600 * MB, 100 * MB, resources=(HOST.key,))
    its = calendars(blackouts=(noon,))
    seen = simulate([long, short], roomy, its, plan_quickly, VIENNA, START, 5)
    assert {gap.workload for gap in seen.gaps} == {"long", "short"}
    assert max(gap.until_at - gap.from_at for gap in seen.gaps if gap.workload == "short") < HOUR + MINUTE


def test_what_has_no_room_tonight_keeps_no_slot_from_others_until_tomorrow() -> None:
    """Ten runs of fifty minutes for one slot and a window of an hour; beside them a short one each four hours."""
    one_slot = {HOST.key: replace(HOST, slots=1)}
    entry = Entry("often", 4 * HOUR, MINUTE, None, START - HOUR)
    often = Subject(entry, 60 * 100 * MB, 100 * MB, resources=(HOST.key,))
    nightly = [subject(f"w{place}", volume=3000 * 100 * MB, resources=(HOST.key,)) for place in range(10)]
    its = calendars(Window("night", "22:00", "23:00", "finish"))
    seen = simulate([often, *nightly], one_slot, its, plan_quickly, VIENNA, START, 7)
    of_night = [run for run in seen.runs if run.workload != "often"]
    assert [run.started_at.astimezone(VIENNA).hour for run in of_night] == [22] * len(of_night)
    assert len(of_night) == 14, "one at ten and one at ten to eleven, in each of seven nights"
    assert all(gap.until_at - gap.from_at < 100 * MINUTE for gap in seen.gaps if gap.workload == "often"), (
        "no night takes longer"
    )


def test_a_run_that_goes_on_beyond_what_a_plan_looks_at_follows_the_hours_of_its_link() -> None:
    """Ten days of one megabyte a second, which doubles after five: what is left then takes half the time."""
    link = Resource("link:wan", "link", MB, steps=((5 * 86_400.0, 2 * MB),))
    entry = Entry("a", 30 * DAY, HOUR, None, None)
    large = Subject(entry, 10 * 86_400 * MB, 100 * MB, resources=(link.key,))
    (run,) = simulate([large], {link.key: link}, calendars(), plan_quickly, VIENNA, START, 5).runs
    assert run.length_s == pytest.approx(7.5 * 86_400, rel=1e-6)


@given(st.integers(0, 1_000_000))
def test_what_needs_no_plan_gets_the_times_that_the_planner_would_give_it(seed: int) -> None:
    night = small_night(random.Random(seed))
    planned = {each.key: each for each in plan_night(night).placements}
    free, _ = sorted_out(night)
    for key, each in free.items():
        assert each.start_s == pytest.approx(planned[key].start_s, rel=1e-6, abs=1e-3)
        assert each.end_s == pytest.approx(planned[key].end_s, rel=1e-6, abs=1e-3)
        assert each.held_by == planned[key].held_by


def test_much_of_what_comes_by_itself_needs_no_plan() -> None:
    dice = random.Random(4)
    assert sum(len(sorted_out(small_night(dice))[0]) for _ in range(1000)) > 600


@given(odd_nights())
def test_a_plan_for_some_only_keeps_what_every_plan_keeps(night: Night) -> None:
    lightly = plan_lightly(night).placements
    unplaced = tuple({demand.key for demand in night.demands} - {each.key for each in lightly})
    plan = Schedule(lightly, 0.0, (), NO_BOUND, 0, unplaced)
    assert faults(night, plan) == []


def test_what_a_resource_slows_down_is_planned_so_that_it_can_be_named() -> None:
    own = Demand("a", 100.0, 50.0, resources=("x",))
    assert unhindered(Night((own,), {"x": Resource("x", "link", 50.0)}))
    assert unhindered(Night((own,), {"x": Resource("x", "link", 49.0)})) is None


def small_night(dice: random.Random) -> Night:
    """One to three jobs on up to two things with slots, shares, hours and windows, often with room for all."""
    things = [
        Resource(
            key,
            "link",
            dice.uniform(20, 300),
            dice.choice([1, 2, 4]),
            dice.choice([(), ((dice.uniform(1, 50), dice.uniform(20, 300)),)]),
            dice.choice([0.5, 1.0]),
        )
        for key in ("x", "y")
    ]
    opens = dice.uniform(1, 20)
    demands = tuple(
        Demand(
            f"w{place}",
            dice.choice([0.0, dice.uniform(1, 2000)]),
            dice.choice([inf, dice.uniform(5, 100)]),
            dice.choice([0.0, 5.0]),
            dice.choice([0.0, 0.0, 7.0]),
            resources=tuple(dice.sample(["x", "y"], dice.choice([1, 1, 2]))),
            open=dice.choice([ALWAYS, ((0.0, 30.0),), ((0.0, 6.0),), ((0.0, opens), (opens + 10, 200.0))]),
            stop=dice.random() < 0.3,
        )
        for place in range(dice.choice([1, 1, 2, 3]))
    )
    return Night(demands, {each.key: each for each in things})


def test_a_month_of_simulation_costs_little_beside_its_planning() -> None:
    dice = random.Random(1)
    hosts = {f"host:h{place}": Resource(f"host:h{place}", "host", 100 * MB, 2) for place in range(38)}
    resources = {TARGET.key: replace(TARGET, capacity=2000 * MB, slots=32)} | hosts
    its = []
    for place in range(300):
        rpo = dice.choice([DAY] * 8 + [7 * DAY, 4 * HOUR])
        entry = Entry(f"w{place:04}", rpo, 5 * MINUTE, "night" if rpo >= DAY else None, START - rpo * dice.random() / 2)
        way = (f"host:h{place % 38}", TARGET.key)
        its.append(Subject(entry, dice.lognormvariate(20, 1.5), 80 * MB, 5.0, way, added=MB))
    planning = 0.0

    def planner(night: Night) -> Schedule:
        nonlocal planning
        began = time.process_time()
        schedule = plan_night(night)
        planning += time.process_time() - began
        return schedule

    began = time.process_time()
    seen = simulate(its, resources, calendars(), planner, VIENNA, START, 31)
    own = time.process_time() - began - planning
    assert len(seen.runs) > 9_000
    assert own < 2, f"{own:.1f} s beside {planning:.1f} s of planning"


def test_what_becomes_due_at_different_times_shares_what_a_link_carries() -> None:
    """Of eight that each need it for an hour and are due an hour apart, at most an hour's bytes go in each hour."""
    link = Resource("link:wan", "link", 10 * MB)
    hour_s = 3600.0
    each = Subject(Entry("w", 4 * HOUR, HOUR, None, START), hour_s * 10 * MB, inf, resources=(link.key,))
    subjects = [
        replace(each, entry=replace(each.entry, workload=f"w{x}", as_of=START - x * HOUR / 2)) for x in range(8)
    ]
    seen = simulate(subjects, {link.key: link}, calendars(), plan_night, VIENNA, START, 2)
    assert len(seen.runs) > 20
    begun = min(run.started_at for run in seen.runs)
    for run in seen.runs:
        done = sum(1 for other in seen.runs if other.ended_at <= run.ended_at)
        assert done * hour_s <= (run.ended_at - begun).total_seconds() * (1 + 1e-4)
    assert seen.gaps, "8 hours of work every 4 hours cannot be done"
