"""Room for those that came too late: what a played night leaves free is searched for them, gap by gap.

Playing forward starts a job only with a rate that is certain until its end, so that a job which must end by a close can
be left over although rates that change would do. Here all rates are known, so it can be seen whether they would.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from .figures import Figures, Way
from .holding import Job

Rates = list[tuple[float, float]]
Numbers = NDArray[np.float64]

SLIGHT = 1e-9
"""The part of a resource that is left alone, so that sums of many rates stay below it."""

_NEARLY = 1 + 1e-9


def insert_left_over(figures: Figures, jobs: Sequence[Job]) -> None:
    """Give times to those without, where there is room in what the others leave: the first that there is.

    Those that still have none wait for one without, or none of their intervals has room for them in this plan.
    """
    use = _Use(figures, jobs)
    for place in figures.order:
        job = jobs[place]
        ends = [jobs[other].end for other in figures.before[place]]
        if job.end is None and None not in ends and place not in figures.running:
            ready = max([job.release, *(end for end in ends if end is not None)])
            if _insert(figures, use.gaps(place), job, ready):
                use.add(job)


def _insert(figures: Figures, gaps: _Gaps, job: Job, ready: float) -> bool:
    demand = figures.demands[job.place]
    for opens, closes in figures.openings(job.place, ready):
        last = closes if demand.stop else inf
        for start in gaps.starts(opens, closes, demand.prep_s, demand.volume, last):
            rates, end = gaps.rates_from(start, demand.prep_s, demand.volume, last)
            if end is not None:
                job.start, job.rates, job.end = start, rates, end
                return True
    return False


class _Use:
    """What the jobs with times take of each resource; worked out where it is asked for, and kept until it changes."""

    def __init__(self, figures: Figures, jobs: Sequence[Job]) -> None:
        self._figures = figures
        changes: dict[int, list[tuple[float, float, float]]] = {
            at: [(0.0, 0.0, 0.0)] for at in range(len(figures.slots))
        }
        for job in jobs:
            for at in self._uses(job) if job.end is not None else ():
                changes[at].extend(_changes(job))
        self._changes = {at: np.array(its) for at, its in changes.items()}
        self._taken: dict[int, tuple[Numbers, Numbers, Numbers]] = {}
        self._free: dict[int, tuple[Numbers, Numbers, NDArray[np.bool_]]] = {}

    def _uses(self, job: Job) -> set[int]:
        return {*self._figures.rated[job.place], *self._figures.slotted[job.place]}

    def add(self, job: Job) -> None:
        """One more has its times."""
        for at in self._uses(job):
            self._changes[at] = np.concatenate([self._changes[at], np.array(list(_changes(job)))])
            self._taken.pop(at, None)
        self._free.clear()

    def gaps(self, place: int) -> _Gaps:
        """What is left for one job."""
        way = self._figures.way[place]
        if way not in self._free:
            self._free[way] = self._left(self._figures.ways[way])
        turns, room, is_open = self._free[way]
        return _Gaps(turns, np.clip(room, 0.0, self._figures.own[place]), is_open)

    def _left(self, way: Way) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
        """Turns between which nothing changes, the rate that is left there, and whether every slot can be had."""
        taken = {at: self._taken_of(at) for at in {*way.rated, *way.slotted}}
        steps = [np.array(self._figures.supplies[at].times) for at in way.rated]
        turns = np.unique(np.concatenate([np.zeros(1), *steps, *(since for since, _, _ in taken.values())]))
        room, is_open = np.full(len(turns), np.inf), np.ones(len(turns), dtype=np.bool_)
        for at in way.rated:
            supply = self._figures.supplies[at]
            carried = np.array(supply.rates)[np.searchsorted(supply.times, turns, "right") - 1]
            since, rate, _ = taken[at]
            room = np.minimum(room, carried * (1 - SLIGHT) - rate[np.searchsorted(since, turns, "right") - 1])
        for at in way.slotted:
            since, _, jobs = taken[at]
            count = jobs[np.searchsorted(since, turns, "right") - 1]
            is_open &= count < int(self._figures.resources[at].slots)
        return turns, room, is_open

    def _taken_of(self, at: int) -> tuple[Numbers, Numbers, Numbers]:
        """Since when, at which rate and by how many jobs it is used."""
        if at not in self._taken:
            when, rates, jobs = self._changes[at].T
            since, where = np.unique(when, return_inverse=True)
            self._taken[at] = since, np.bincount(where, rates).cumsum(), np.bincount(where, jobs).cumsum()
        return self._taken[at]


def _changes(job: Job) -> Iterator[tuple[float, float, float]]:
    """By how much more, or less, of a resource is used from when on."""
    before = 0.0
    yield job.start, 0.0, 1.0
    for since, rate in job.rates:
        yield since, rate - before, 0.0
        before = rate
    yield job.end or 0.0, -before, -1.0


@dataclass(frozen=True, slots=True)
class _Gaps:
    """What is free for one job: between two turns nothing changes."""

    turns: Numbers
    free: Numbers
    open: NDArray[np.bool_]

    def starts(self, opens: float, closes: float, prep: float, volume: float, last: float) -> Iterator[float]:
        """The opening, and each turn before the close, if it can have ended in time and before a slot is missing."""
        there = slice(bisect_right(self.turns, opens) - 1, int(np.searchsorted(self.turns, closes)))
        starts = np.maximum(self.turns[there], opens)[self.open[there]]
        if len(starts):
            until = np.minimum(self._shut_from(starts), last)
            yield from starts[self._ends(starts + prep, volume) <= until * _NEARLY].tolist()

    def _shut_from(self, moments: Numbers) -> Numbers:
        """When the next slot is missing."""
        shut = np.append(self.turns[~self.open], np.inf)
        missing: Numbers = shut[np.searchsorted(shut, moments, "right")]
        return missing

    def _ends(self, moving: Numbers, volume: float) -> Numbers:
        """When so much has moved from each of these moments on."""
        if volume <= 0:
            return moving
        moved = np.concatenate([[0.0], (np.diff(self.turns) * self.free[:-1]).cumsum()])
        at = np.searchsorted(self.turns, moving, "right") - 1
        total = moved[at] + (moving - self.turns[at]) * self.free[at] + volume
        at = np.maximum(np.searchsorted(moved, total) - 1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ends: Numbers = self.turns[at] + (total - moved[at]) / self.free[at]
        return ends

    def rates_from(self, start: float, prep: float, volume: float, close: float) -> tuple[Rates, float | None]:
        """The rates that it could have from then on, and when it would end; None: not by the close."""
        moving, left = start + prep, volume
        rates: Rates = [(start, 0.0)] if moving > start or left <= 0 else []
        now = start
        for at in range(bisect_right(self.turns, start) - 1, len(self.turns)):
            until = float(self.turns[at + 1]) if at + 1 < len(self.turns) else inf
            if not self.open[at]:
                return [], None
            if moving < until:
                now = max(now, moving)
                rate = float(self.free[at]) if left > 0 else 0.0
                end = now + left / rate if rate > 0 else now if left <= 0 else inf
                if left > 0:
                    rates.append((now, rate))
                if end <= until and end < inf:
                    return rates, end if end <= close else None
                left -= rate * (until - now)
            now = until
            if now > close:
                break
        return [], None
