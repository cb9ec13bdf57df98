"""What simulated runs come to: day by day, and the times in which an RPO is not met."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from math import inf

from .calendar.agenda import Due, Entry
from .calendar.chores import ChoreRun


@dataclass(frozen=True, slots=True)
class SimulatedRun:
    """One run: what it was due for, when it begins and ends, and what it needs. `rate` is the most bytes per second
    that it is given, `held_by` what it waits for longest: a resource, a job, "window" or nothing."""

    workload: str
    started_at: datetime
    ended_at: datetime
    due: Due
    resources: tuple[str, ...]
    rate: float = inf
    held_by: str | None = None

    @property
    def length_s(self) -> float:
        return (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which a workload's RPO is not met."""

    workload: str
    from_at: datetime
    until_at: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """A local day: the workloads of the runs that begin on it, and the chores that are done on it.

    `busy_s` is for how long anything ran, `peak` the most runs at once, `outside` how many of them were outside their
    window or have none.
    """

    day: date
    workloads: tuple[str, ...]
    outside: int
    busy_s: float
    peak: int
    chores: tuple[ChoreRun, ...]


def days_of(
    runs: Sequence[SimulatedRun], chores: Sequence[ChoreRun], zone: tzinfo, first: date, days: int
) -> tuple[Day, ...]:
    """Each of the days, in order."""
    of_day: dict[date, list[SimulatedRun]] = {first + timedelta(days=place): [] for place in range(days)}
    for run in runs:
        of_day.setdefault(run.started_at.astimezone(zone).date(), []).append(run)
    its_chores: dict[date, list[ChoreRun]] = {}
    for chore in chores:
        its_chores.setdefault(chore.day, []).append(chore)
    return tuple(_day(day, its, its_chores.get(day, ())) for day, its in sorted(of_day.items()))


def _day(day: date, runs: Sequence[SimulatedRun], chores: Sequence[ChoreRun]) -> Day:
    moments = sorted([(run.ended_at, -1) for run in runs] + [(run.started_at, 1) for run in runs])
    busy, peak, running = timedelta(0), 0, 0
    before = moments[0][0] if moments else None
    for at, change in moments:
        busy += at - before if running and before else timedelta(0)
        running, before = running + change, at
        peak = max(peak, running)
    outside = sum(1 for run in runs if run.due.night is None)
    return Day(day, tuple(run.workload for run in runs), outside, busy.total_seconds(), peak, tuple(chores))


def loads_of(runs: Iterable[SimulatedRun], zone: tzinfo, first: date, days: int) -> dict[str, list[float]]:
    """For how many seconds runs are at work on each resource on each of the days; what begins later is left out."""
    loads: dict[str, list[float]] = {}
    for run in runs:
        place = (run.started_at.astimezone(zone).date() - first).days
        for key in run.resources if place < days else ():
            loads.setdefault(key, [0.0] * days)[place] += run.length_s
    return loads


def gaps_of(
    entries: Iterable[Entry], runs: Iterable[SimulatedRun], start: datetime, until: datetime
) -> tuple[Gap, ...]:
    """Every time in which an RPO is not met, by workload in the order of the entries."""
    by_workload: dict[str, list[SimulatedRun]] = {}
    for run in runs:
        by_workload.setdefault(run.workload, []).append(run)
    return tuple(gap for entry in entries for gap in _gaps(entry, by_workload.get(entry.workload, []), start, until))


def _gaps(entry: Entry, runs: Sequence[SimulatedRun], start: datetime, until: datetime) -> Iterator[Gap]:
    """From when the newest point is too old until there is a newer one, which is when a run ends."""
    kept_until = max(start, entry.as_of + entry.rpo) if entry.as_of else start
    for run in runs:
        if min(run.ended_at, until) > kept_until:
            yield Gap(entry.workload, kept_until, min(run.ended_at, until))
        kept_until = max(run.ended_at, run.started_at + entry.rpo)
    if until > kept_until:
        yield Gap(entry.workload, kept_until, until)
