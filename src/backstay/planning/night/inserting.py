"""Room for those that came too late: what a played night leaves free is searched for them, gap by gap.

Playing forward starts a job only with a rate that is certain until its end, so that a job which must end by a close can
be left over although rates that change would do. Here all rates are known, so it can be seen whether they would.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from math import inf

from .figures import Figures
from .holding import Job

Rates = list[tuple[float, float]]

SLIGHT = 1e-9
"""The part of a resource that is left alone, so that sums of many rates stay below it."""


def insert_left_over(figures: Figures, jobs: Sequence[Job]) -> None:
    """Give times to those without, where there is room in what the others leave: the first that there is.

    Those that still have none wait for one without, or none of their intervals has room for them in this plan.
    """
    for place in figures.order:
        job = jobs[place]
        ends = [jobs[other].end for other in figures.before[place]]
        if job.end is None and None not in ends and place not in figures.running:
            ready = max([job.release, *(end for end in ends if end is not None)])
            _insert(figures, jobs, job, ready)


def _insert(figures: Figures, jobs: Sequence[Job], job: Job, ready: float) -> None:
    gaps = _Gaps(figures, jobs, job)
    for opens, closes in figures.openings(job.place, ready):
        for start in gaps.starts(opens, closes):
            rates, end = gaps.rates_from(start, closes if figures.demands[job.place].stop else inf)
            if end is not None:
                job.start, job.rates, job.end = start, rates, end
                return


class _Gaps:
    """What is free for one job: between two turns nothing changes."""

    def __init__(self, figures: Figures, jobs: Sequence[Job], job: Job) -> None:
        self.job, self.demand = job, figures.demands[job.place]
        rated, slotted = figures.rated[job.place], figures.slotted[job.place]
        users = {
            at: [one for one in jobs if one.end is not None and at in _uses(figures, one.place)]
            for at in {*rated, *slotted}
        }
        turns = {0.0, *(turn for at in rated for turn in figures.supplies[at].times)}
        for ones in users.values():
            turns.update(
                turn for one in ones for turn in (one.start, one.end or 0.0, *(since for since, _ in one.rates))
            )
        self.turns = sorted(turns)
        self.free = [self._free(figures, users, turn) for turn in self.turns]
        self.open = [
            all(_active(users[at], turn) < int(figures.resources[at].slots) for at in slotted) for turn in self.turns
        ]

    def _free(self, figures: Figures, users: dict[int, list[Job]], turn: float) -> float:
        free = self.job.own
        for at in figures.rated[self.job.place]:
            capacity = figures.supplies[at].at(turn)
            used = sum(_rate_at(one, turn) for one in users[at])
            free = min(free, capacity * (1 - SLIGHT) - used)
        return max(0.0, free)

    def starts(self, opens: float, closes: float) -> Iterator[float]:
        """Moments worth trying: the opening, and each turn before the close."""
        yield opens
        yield from (turn for turn in self.turns if opens < turn < closes)

    def rates_from(self, start: float, close: float) -> tuple[Rates, float | None]:
        """The rates that it could have from then on, and when it would end; None: not by the close."""
        moving, left = start + self.demand.prep_s, self.demand.volume
        rates: Rates = [(start, 0.0)] if moving > start or left <= 0 else []
        now = start
        for at in range(bisect_right(self.turns, start) - 1, len(self.turns)):
            until = self.turns[at + 1] if at + 1 < len(self.turns) else inf
            if not self.open[at]:
                return [], None
            if moving < until:
                now = max(now, moving)
                rate = self.free[at] if left > 0 else 0.0
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


def _uses(figures: Figures, place: int) -> tuple[int, ...]:
    return (*figures.rated[place], *figures.slotted[place])


def _active(users: Sequence[Job], turn: float) -> int:
    return sum(1 for one in users if one.start <= turn < (one.end or 0.0))


def _rate_at(one: Job, turn: float) -> float:
    if one.end is None or not one.start <= turn < one.end:
        return 0.0
    return next((rate for since, rate in reversed(one.rates) if since <= turn), 0.0)
