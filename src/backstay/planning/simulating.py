"""A month in advance: the scheduler and the planner under a pretend clock. It has no rules of its own.

What runs under way hold is taken from the room of those that become due meanwhile; they are not planned anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from heapq import heappop, heappush
from itertools import accumulate
from math import inf

from .calendar.agenda import Agenda, Calendars, Due, Entry
from .calendar.calendars import Calendar
from .calendar.chores import Cadence, ChoreRun, chores_of
from .days import Day, Gap, SimulatedRun, days_of, gaps_of, loads_of
from .night.model import ALWAYS, Demand, Night, Placement, Resource, Schedule
from .unhindered import unhindered

GRAIN = timedelta(minutes=1)
"""What becomes due within it is planned together."""

_AHEAD = timedelta(days=3)
"""So far ahead a job may be put off to a later opening of its window."""

PlanNight = Callable[[Night], Schedule]


@dataclass(frozen=True, slots=True)
class Subject:
    """One workload as the simulation takes it: what it is owed, and what its runs need.

    `volume` moves at `own_rate` at most after `prep_s`; `added` is stored by each run; all measured, or assumed.
    """

    entry: Entry
    volume: float
    own_rate: float
    prep_s: float = 0.0
    resources: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    kind: str = "files"
    group: str | None = None
    added: float = 0.0
    chores: tuple[Cadence, ...] = ()


@dataclass(frozen=True, slots=True)
class Simulation:
    """What is to be expected. `storage` is what is stored at the end of each day, if nothing expires."""

    runs: tuple[SimulatedRun, ...]
    days: tuple[Day, ...]
    gaps: tuple[Gap, ...]
    chores: tuple[ChoreRun, ...]
    balance: Mapping[str, float]
    storage: tuple[tuple[date, float], ...]


def simulate(
    subjects: Sequence[Subject],
    resources: Mapping[str, Resource],
    calendars: Calendars,
    plan_night: PlanNight,
    zone: tzinfo,
    start: datetime,
    days: int,
    stored: float = 0.0,
) -> Simulation:
    """The coming days, if runs take what they took.

    Shape: the steps of `resources` count from `start`, and last as long as the simulation.
    """
    until = start + timedelta(days=days)
    runs = _Pretence(subjects, resources, calendars, plan_night, start).until(until)
    first = start.astimezone(zone).date()
    cadences = {one.entry.workload: one.chores for one in subjects}
    chores, balance = chores_of(cadences, loads_of(runs, zone, first, days), first, days)
    by_day = days_of(runs, chores, zone, first, days)
    added = {one.entry.workload: one.added for one in subjects}
    grown = accumulate((sum(added[name] for name in day.workloads) for day in by_day), initial=stored)
    return Simulation(
        runs,
        by_day,
        gaps_of([one.entry for one in subjects], runs, start, until),
        chores,
        balance,
        tuple(zip([day.day for day in by_day], list(grown)[1:], strict=True)),
    )


class _Pretence:
    """The loop that a scheduler would be, with times from plans instead of a clock."""

    def __init__(
        self,
        subjects: Sequence[Subject],
        resources: Mapping[str, Resource],
        calendars: Calendars,
        plan_night: PlanNight,
        start: datetime,
    ) -> None:
        self._subjects = {one.entry.workload: one for one in subjects}
        self._resources, self._calendars, self._plan_night = resources, calendars, plan_night
        self._start = self._now = start
        self._agenda = Agenda((one.entry for one in subjects), calendars, start, 0.0)
        self._under_way: list[tuple[datetime, str, SimulatedRun]] = []
        self._used: dict[str, int] = {}

    def until(self, end: datetime) -> tuple[SimulatedRun, ...]:
        """Every run that becomes due before then, in the order in which they begin."""
        runs: list[SimulatedRun] = []
        wait: float | None = 0.0
        while wait is not None and self._now < end:
            runs += self._planned(self._agenda.tick(self._now, self._elapsed, at_once=len(self._subjects)))
            wait = self._next()
        return tuple(sorted(runs, key=lambda run: (run.started_at, run.workload)))

    @property
    def _elapsed(self) -> float:
        return (self._now - self._start).total_seconds()

    def _next(self) -> float | None:
        """Go on to the next moment at which something may be due; None if there is none."""
        wait = self._agenda.next_at()
        while self._under_way and (wait is None or self._under_way[0][0] <= self._now + timedelta(seconds=wait)):
            self._end(*heappop(self._under_way))
            wait = self._agenda.next_at()
        if wait is not None:
            self._now = max(self._now + timedelta(seconds=wait), self._now + GRAIN)
        return wait

    def _end(self, at: datetime, workload: str, run: SimulatedRun) -> None:
        self._now = max(self._now, at)
        for key in self._subjects[workload].resources:
            self._used[key] -= 1
        self._agenda.ended(workload, run.started_at, self._now, self._elapsed)

    def _planned(self, due: Sequence[Due]) -> list[SimulatedRun]:
        if not due:
            return []
        night = self._night(due)
        placed = unhindered(night)
        if placed is None:
            placed = {each.key: each for each in self._plan_night(night).placements}
        runs = [self._run(one, placed[one.workload]) for one in due if one.workload in placed]
        for one in due:
            if one.workload not in placed:
                self._agenda.ended(one.workload, None, self._now, self._elapsed)
        return runs

    def _run(self, due: Due, placed: Placement) -> SimulatedRun:
        begin, end = (self._now + timedelta(seconds=moment) for moment in (placed.start_s, placed.end_s))
        most = max((rate for _, rate in placed.rates), default=inf)
        resources = self._subjects[due.workload].resources
        run = SimulatedRun(due.workload, begin, end, due, resources, most, placed.held_by)
        heappush(self._under_way, (end, due.workload, run))
        for key in run.resources:
            self._used[key] = self._used.get(key, 0) + 1
        return run

    def _night(self, due: Sequence[Due]) -> Night:
        names = {one.workload for one in due}
        opened: dict[str | None, tuple[tuple[float, float], ...]] = {}
        demands = tuple(self._demand(one, names, opened) for one in due)
        keys = dict.fromkeys(key for demand in demands for key in demand.resources)
        room = {key: self._left(self._resources[key]) for key in keys}
        free_at = {key: at for key, (at, _) in room.items() if at > 0}
        held = (max((free_at.get(key, 0.0) for key in demand.resources), default=0.0) for demand in demands)
        return Night(
            tuple(replace(demand, release_s=at) if at else demand for demand, at in zip(demands, held, strict=True)),
            {key: left for key, (_, left) in room.items()},
        )

    def _demand(self, due: Due, names: set[str], opened: dict[str | None, tuple[tuple[float, float], ...]]) -> Demand:
        one = self._subjects[due.workload]
        window = one.entry.window if due.night else None
        if window not in opened:
            opened[window] = self._opened(self._calendars.of(window) or self._calendars.free)
        return Demand(
            due.workload,
            one.volume,
            one.own_rate,
            one.prep_s,
            deadline_s=(due.latest + one.entry.estimate - self._now).total_seconds(),
            after=tuple(name for name in one.after if name in names),
            resources=one.resources,
            kind=one.kind,
            group=one.group,
            open=opened[window],
            stop=window is not None and self._calendars.stops(window),
        )

    def _opened(self, calendar: Calendar) -> tuple[tuple[float, float], ...]:
        if calendar.always:
            return ALWAYS
        return tuple(
            ((begin - self._now).total_seconds(), (end - self._now).total_seconds())
            for begin, end in calendar.intervals(self._now, self._now + _AHEAD)
        )

    def _left(self, resource: Resource) -> tuple[float, Resource]:
        """What the runs under way leave of it, and from when on: where they have all of its slots, one of them from the
        moment at which it is given back."""
        now = self._elapsed
        steps = tuple((at - now, capacity) for at, capacity in resource.steps if at > now)
        left = resource.slots - self._used.get(resource.key, 0)
        room = replace(resource, capacity=resource.capacity_at(now), steps=steps, slots=max(1.0, left))
        return (0.0 if left >= 1 else self._given_back(resource)), room

    def _given_back(self, resource: Resource) -> float:
        ends = sorted(end for end, _, run in self._under_way if resource.key in run.resources)
        return max(0.0, (ends[len(ends) - int(resource.slots)] - self._now).total_seconds())
