"""Verifies, drills and other expensive work over coming days: how often each is owed, and on which day it is done."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from .spreading import Chore, balance, spread

_EARLY = 4
"""It may be done early by a part of its cadence, one in so many."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """Expensive work on one workload: how often it is owed, how long it keeps a resource, and when it was done last.

    What was never done may be done on any day of the first cadence.
    """

    work: str
    every: timedelta
    takes_s: float
    resource: str
    last: date | None = None


@dataclass(frozen=True, slots=True)
class ChoreRun:
    """Expensive work on its day."""

    day: date
    workload: str
    work: str


def chores_of(
    cadences: Mapping[str, Sequence[Cadence]], planned: Mapping[str, Sequence[float]], first: date, days: int
) -> tuple[tuple[ChoreRun, ...], Mapping[str, float]]:
    """All that is owed on these days, by day, and how even the days are by resource (most loaded over mean).

    Shape: `planned` has the seconds by which a resource is busy otherwise on each of the days.
    """
    owed = {(name, cadence.work): cadence for name, its in cadences.items() for cadence in its}
    loads = _forecast(owed.values(), planned, days)
    waiting = {f"{name} {work}": (name, cadence) for (name, work), cadence in owed.items()}
    turn = [_first(key, cadence, first) for key, (_, cadence) in waiting.items()]
    done: list[ChoreRun] = []
    while turn:
        placed = spread(turn, loads)
        loads = {resource: list(its) for resource, its in placed.loads.items()}
        for key, night in placed.nights.items():
            name, cadence = waiting[key]
            if night < days:
                done.append(ChoreRun(first + timedelta(days=night), name, cadence.work))
        turn = [_next(chore, placed.nights[chore.key], waiting[chore.key][1]) for chore in turn]
        turn = [chore for chore in turn if chore.first < days]
    evenness = {resource: balance(its[:days]) for resource, its in loads.items()}
    return tuple(sorted(done, key=lambda run: (run.day, run.workload, run.work))), evenness


def _forecast(
    cadences: Collection[Cadence], planned: Mapping[str, Sequence[float]], days: int
) -> dict[str, list[float]]:
    """The days and as many after them as the longest cadence, each as busy as those days are on average."""
    beyond = 2 * max((cadence.every.days for cadence in cadences), default=0) + 2
    loads = {}
    for resource in sorted({cadence.resource for cadence in cadences} | planned.keys()):
        its = list(planned.get(resource, [0.0] * days))
        loads[resource] = its + [sum(its) / days] * beyond
    return loads


def _first(key: str, cadence: Cadence, first: date) -> Chore:
    if cadence.last is None:
        return Chore(key, cadence.resource, cadence.takes_s, 0, max(1, cadence.every.days) - 1)
    chore = Chore(key, cadence.resource, cadence.takes_s, 0, 0)
    return _next(chore, (cadence.last - first).days, cadence)


def _next(chore: Chore, night: int, cadence: Cadence) -> Chore:
    every = max(1, cadence.every.days)
    return replace(chore, first=night + every - every // _EARLY, due=night + every)
