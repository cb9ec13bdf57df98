"""The simulator is the scheduler and the planner under a pretend clock, and tells what comes of it."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from backstay.config.values import moment as local
from backstay.domain.estate import Blackout, Window
from backstay.planning.calendar.agenda import Entry
from backstay.planning.calendar.chores import Cadence
from backstay.planning.night.model import Night, Resource, Schedule
from backstay.planning.night.portfolio import plan_night
from backstay.planning.simulating import Simulation, Subject, simulate
from planning.pretending import DAY, HOUR, MINUTE, START, calendars

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


@pytest.mark.parametrize("seed", range(3))
def test_what_needs_no_plan_gets_the_times_that_the_planner_would_give_it(seed: int) -> None:
    dice = random.Random(seed)
    its = [
        subject(
            f"w{place}",
            dice.choice([4 * HOUR, DAY, 3 * DAY]),
            dice.choice([None, "night"]),
            volume=dice.uniform(1, 30) * MB,
        )
        for place in range(3)
    ]
    its = [replace(one, own_rate=20 * MB) for one in its]
    room = {HOST.key: replace(HOST, slots=4), TARGET.key: TARGET}
    without = simulate(its, room, calendars(), plan_night, VIENNA, START, 5)
    # Steps that change nothing are enough for the planner to be asked.
    asked = {
        key: replace(one, steps=tuple((60.0 * minute, one.capacity) for minute in range(1, 5 * 1440)))
        for key, one in room.items()
    }
    planned = simulate(its, asked, calendars(), plan_night, VIENNA, START, 5)
    assert [run.workload for run in planned.runs] == [run.workload for run in without.runs]
    for one, other in zip(planned.runs, without.runs, strict=True):
        assert abs(one.started_at - other.started_at) < timedelta(seconds=1)
        assert abs(one.ended_at - other.ended_at) < timedelta(seconds=1)


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
