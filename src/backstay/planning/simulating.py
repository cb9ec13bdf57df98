"""A month in advance: the scheduler and the planner under a pretend clock. It has no rules of its own.

Slots and rates of runs under way are taken from the room of those that become due meanwhile; they are not planned anew.
What finds no room before its window closes is due again in the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from heapq import heappop, heappush
from itertools import accumulate
from math import inf
from typing import Protocol

from .calendar.agenda import Agenda, Calendars, Due, Entry
from .calendar.calendars import Calendar
from .calendar.chores import Cadence, ChoreRun, chores_of
from .days import Day, Gap, SimulatedRun, days_of, gaps_of, loads_of
from .held import Held
from .night.model import ALWAYS, Demand, Night, Placement, Resource
from .nights import night_of
from .unhindered import unhindered

GRAIN = timedelta(minutes=1)
"""What becomes due within it is planned together."""

INSTANT = timedelta(milliseconds=100)
"""The least time from one look to the next, so that what takes no time cannot hold the simulation up."""

AHEAD_S = 3 * 86_400.0
"""So far ahead a plan is told how capacities change; one that reaches further is made again with all that is known."""

_NEVER = ((0.0, 0.0),)


class Planned(Protocol):
    """What a simulation asks of a plan."""

    @property
    def placements(self) -> tuple[Placement, ...]:
        """Where the demands are; what is not among them has no room."""


PlanNight = Callable[[Night], Planned]

Intervals = tuple[tuple[float, float], ...]
Openings = Mapping[str | None, Intervals]


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
        self._calendars, self._plan_night = calendars, plan_night
        # A plan begins with the first that is due then, while the scheduler looks a little further.
        self._start = self._now = self._at = start
        self._agenda = Agenda((one.entry for one in subjects), calendars, start, 0.0)
        # When each ends and when it began; None if it has none and is only tried again.
        self._under_way: list[tuple[datetime, str, datetime | None]] = []
        self._held = {key: Held(each) for key, each in resources.items()}

    def until(self, end: datetime) -> tuple[SimulatedRun, ...]:
        """Every run that becomes due before then, in the order in which they begin."""
        runs: list[SimulatedRun] = []
        going_on = True
        while going_on:
            due = self._due()
            runs += self._planned(due)
            going_on = self._advance(end)
        return tuple(sorted(runs, key=lambda run: (run.started_at, run.workload)))

    def _due(self) -> list[Due]:
        """What is due now, with what becomes due shortly after it. Each begins when it is due, and no later: a minute
        may be what is left before a blackout."""
        self._at = self._now
        due = self._tick()
        while due and self._advance(self._at + GRAIN):
            due += self._tick()
        return due

    def _tick(self) -> list[Due]:
        return list(self._agenda.tick(self._now, self._elapsed(self._now), at_once=len(self._subjects)))

    def _elapsed(self, at: datetime) -> float:
        return (at - self._start).total_seconds()

    def _advance(self, until: datetime) -> bool:
        """Go on to the next moment before then at which something may be due; whether there is one."""
        while True:
            wait = self._agenda.next_at()
            coming = until if wait is None else self._now + max(timedelta(seconds=wait), INSTANT)
            if self._under_way and self._under_way[0][0] < min(coming, until):
                self._end(*heappop(self._under_way))
            elif coming < until:
                self._now = coming
                return True
            else:
                return False

    def _end(self, at: datetime, workload: str, began: datetime | None) -> None:
        self._now = max(self._now, at)
        self._agenda.ended(workload, began, self._now, self._elapsed(self._now))

    def _planned(self, due: Sequence[Due]) -> list[SimulatedRun]:
        if not due:
            return []
        open_ = self._opened_for(due)
        placed = self._placed(due, open_)
        for one in due:
            if one.workload not in placed:
                self._put_off(one, open_[self._window(one)])
        return [self._run(one, placed[one.workload]) for one in due if one.workload in placed]

    def _placed(self, due: Sequence[Due], open_: Openings) -> Mapping[str, Placement]:
        night = self._night(due, open_, AHEAD_S)
        placed = unhindered(night) or {each.key: each for each in self._plan_night(night).placements}
        if any(each.end_s > AHEAD_S for each in placed.values()):
            night = self._night(due, open_, inf)
            placed = {each.key: each for each in self._plan_night(night).placements}
        return placed

    def _put_off(self, due: Due, open_: Intervals) -> None:
        """What the plan has no room for now has none before the close; where nothing closes, it is tried again soon."""
        close_s = open_[-1][1] if open_[-1][1] < inf else 0.0
        heappush(self._under_way, (self._at + timedelta(seconds=close_s), due.workload, None))

    def _run(self, due: Due, placed: Placement) -> SimulatedRun:
        begin, end = (self._at + timedelta(seconds=moment) for moment in (placed.start_s, placed.end_s))
        most = max((rate for _, rate in placed.rates), default=inf)
        resources = self._subjects[due.workload].resources
        heappush(self._under_way, (end, due.workload, begin))
        now = self._elapsed(self._at)
        rates = tuple((now + moment, rate) for moment, rate in placed.rates)
        for key in resources:
            self._held[key].add(now + placed.start_s, now + placed.end_s, rates)
        return SimulatedRun(due.workload, begin, end, due, resources, most, placed.held_by)

    def _night(self, due: Sequence[Due], open_: Openings, ahead_s: float) -> Night:
        names = {one.workload for one in due}
        keys = dict.fromkeys(key for one in due for key in self._subjects[one.workload].resources)
        room = {key: self._held[key].left(self._elapsed(self._at), ahead_s) for key in keys}
        free_at = {key: at for key, (at, _) in room.items() if at > 0}
        return night_of(
            (self._demand(one, names, free_at, open_[self._window(one)]) for one in due),
            {key: left for key, (_, left) in room.items()},
        )

    def _demand(self, due: Due, names: set[str], free_at: Mapping[str, float], open_: Intervals) -> Demand:
        one = self._subjects[due.workload]
        window = self._window(due)
        return Demand(
            due.workload,
            one.volume,
            one.own_rate,
            one.prep_s,
            max([(due.at - self._at).total_seconds(), *(free_at[key] for key in one.resources if key in free_at)]),
            deadline_s=(due.latest + one.entry.estimate - self._at).total_seconds(),
            after=tuple(name for name in one.after if name in names),
            resources=one.resources,
            kind=one.kind,
            group=one.group,
            open=open_,
            stop=window is not None and self._calendars.stops(window),
        )

    def _window(self, due: Due) -> str | None:
        return self._subjects[due.workload].entry.window if due.night else None

    def _opened_for(self, due: Sequence[Due]) -> Openings:
        windows = {self._window(one) for one in due}
        return {window: self._opened(self._calendars.of(window) or self._calendars.free) for window in windows}

    def _opened(self, calendar: Calendar) -> Intervals:
        """What is left of the night that is under way: in the next one, what had no room is due again."""
        if calendar.always:
            return ALWAYS
        night = calendar.coming(self._at)
        left = [(begin, end) for begin, end in night.intervals if end > self._at] if night else []
        seconds = [((begin - self._at).total_seconds(), (end - self._at).total_seconds()) for begin, end in left]
        return tuple((max(0.0, begin), end) for begin, end in seconds) or _NEVER
