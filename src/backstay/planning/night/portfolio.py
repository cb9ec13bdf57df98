"""The plan of a night: several orders are played; the one that breaks the fewest promises, in the least time, is kept.

A few more come from it: one that was late, or ended last, is put first. Of a very small night all orders are
played; then later deadlines never break a promise more, since what is played does not depend on them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Set
from contextlib import contextmanager
from itertools import permutations
from math import inf

from .bounds import Heads, bound_of, heads_of
from .figures import Figures, figures_of
from .holding import Job
from .inserting import insert_left_over
from .latest import latest_starts, ranked
from .model import Bound, Night, Placement, ResourceKind, Schedule
from .reserving import WINDOW, play

THETA = 0.1

Kinds = tuple[ResourceKind, ...]

VARIANTS: tuple[tuple[float, float, Kinds], ...] = (
    (1.0, 0.1, ("host", "pool")),
    (0.7, 0.1, ()),
    (0.85, 0.1, ("host", "pool", "target")),
    (1.0, 0.1, ("host", "pool", "link")),
    (0.5, 0.1, ("host", "pool")),
    (1.0, 0.25, ("host", "pool", "target")),
    (0.7, 0.25, ("host", "pool")),
    (1.0, 0.25, ()),
)
"""By how much deadlines are brought forward, the least part of its need with which a job starts, and where the longest
go first. No one of them is best everywhere; the most promising come first."""

LIMITS = ((60, 8, 40), (200, 8, 8), (600, 5, 2), (2_000, 3, 1), (20_000, 2, 0), (inf, 1, 0))
"""Up to how many demands so many variants are played, and so many more that put those in trouble first."""

ALL_ORDERS = 5
"""Up to so many demands all their orders are played."""

SEARCHED = 2_000
"""Up to how many demands the gaps of a night are searched for those that playing left over."""


def plan_night(night: Night, running: Set[str] = frozenset()) -> Schedule:
    """When each demand runs and at which rates. Those `running` keep the slots that they hold, from second zero on.

    No resource has more jobs than slots or carries more than its capacity at any moment, nothing starts outside its
    intervals, or before what it comes after has ended. The same night gives the same plan.
    """
    with _uncollected():
        return _planned(figures_of(night, running))


def plan_quickly(night: Night) -> Schedule:
    """The same promises with one order only, for nights that are imagined by the thousand."""
    figures = figures_of(night, frozenset())
    heads = heads_of(figures)
    least = bound_of(figures, heads)
    scale, theta, kinds = VARIANTS[0]
    order = ranked(figures, latest_starts(figures, least.knee_s, scale, kinds))
    return schedule_of(figures, heads, least, _played(figures, order, theta))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for cycles: a plan makes a million small things and no cycles, and the search costs a fifth."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _planned(figures: Figures) -> Schedule:
    heads = heads_of(figures)
    least = bound_of(figures, heads)
    orders = _all_orders(figures) if len(figures.demands) <= ALL_ORDERS else _variants(figures, least.knee_s)
    best = _best(figures, (_played(figures, *variant) for variant in orders))
    if len(figures.demands) > ALL_ORDERS and (tries := _count(figures)[1]):
        best = _improved(figures, best, tries)
    return schedule_of(figures, heads, least, best)


def _best(figures: Figures, variants: Iterator[list[Job]]) -> list[Job]:
    best = next(variants)
    losses = None
    for jobs in variants:
        losses = losses or _losses(figures, best)
        if (now := _losses(figures, jobs)) < losses:
            best, losses = jobs, now
    return best


def _count(figures: Figures) -> tuple[int, int]:
    return next((variants, more) for most, variants, more in LIMITS if len(figures.demands) <= most)


def _all_orders(figures: Figures) -> Iterator[tuple[list[int], float]]:
    running = figures.running
    for order in permutations(range(len(figures.demands))):
        yield sorted(order, key=lambda place: place not in running), THETA


def _improved(figures: Figures, best: list[Job], tries: int) -> list[Job]:
    """The best after some more tries: one in trouble, and all that it waits for, is put first; the worst off first."""
    losses, turn = _losses(figures, best), 0
    for _ in range(tries):
        ahead = _with_all_before(figures, _in_trouble(figures, best, turn))
        order = sorted(best, key=lambda job: (job.place not in figures.running, job.place not in ahead, job.rank))
        jobs = _played(figures, [job.place for job in order], THETA)
        turn += 1
        if (now := _losses(figures, jobs)) < losses:
            best, losses, turn = jobs, now, 0
    return best


def _in_trouble(figures: Figures, jobs: list[Job], turn: int) -> int:
    """Those without a place, then those that are late, then those that end last: the one whose turn it is."""
    worst_first = sorted(
        jobs,
        key=lambda job: (
            job.end is not None,
            job.end is None or job.end <= figures.demands[job.place].deadline_s,
            -(job.end or 0.0),
            job.place,
        ),
    )
    return worst_first[turn % len(worst_first)].place


def _with_all_before(figures: Figures, place: int) -> set[int]:
    found = [place]
    for one in found:
        found.extend(figures.before[one])
    return set(found)


def _played(figures: Figures, order: list[int], theta: float) -> list[Job]:
    jobs = play(figures, order, theta)
    for place in figures.running:
        _drop_if_too_late(figures, jobs, place)
    if len(jobs) <= SEARCHED and any(job.end is None for job in jobs):
        insert_left_over(figures, jobs)
    return jobs


def _drop_if_too_late(figures: Figures, jobs: list[Job], place: int) -> None:
    """One that ran already, and cannot end before its close, will be stopped: it and those after it have no place."""
    end = jobs[place].end
    if end is None or not figures.demands[place].stop or end <= next(figures.openings(place, 0.0))[1]:
        return
    dropped = [place]
    for one in dropped:
        jobs[one].end = None
        dropped.extend(figures.behind[one])


def _variants(figures: Figures, horizon: float) -> Iterator[tuple[list[int], float]]:
    for scale, theta, kinds in VARIANTS[: _count(figures)[0]]:
        yield ranked(figures, latest_starts(figures, horizon, scale, kinds)), theta


def _losses(figures: Figures, jobs: list[Job]) -> tuple[int, int, float]:
    unplaced = sum(1 for job in jobs if job.end is None)
    return unplaced, len(_late(figures, jobs)), max((job.end for job in jobs if job.end is not None), default=0.0)


def _late(figures: Figures, jobs: list[Job]) -> list[str]:
    return [
        demand.key
        for demand, job in zip(figures.demands, jobs, strict=True)
        if demand.deadline_s < inf and (job.end is None or job.end > demand.deadline_s)
    ]


def schedule_of(figures: Figures, heads: Heads, least: Bound, jobs: list[Job]) -> Schedule:
    """What was played, in the model's words. The bound is that of the demands that were placed."""
    placements = tuple(
        Placement(figures.demands[job.place].key, job.start, job.end, tuple(job.rates), _named(figures, job.waited_for))
        for job in jobs
        if job.end is not None
    )
    placed = frozenset(job.place for job in jobs if job.end is not None)
    return Schedule(
        placements=placements,
        makespan_s=max((placement.end_s for placement in placements), default=0.0),
        late=tuple(_late(figures, jobs)),
        bound=least if len(placed) == len(jobs) else bound_of(figures, heads, placed),
        peak=_peak(placements),
        unplaced=tuple(figures.demands[job.place].key for job in jobs if job.end is None),
    )


def _named(figures: Figures, what: int | None) -> str | None:
    if what is None or what == WINDOW:
        return what if what is None else "window"
    shared = len(figures.resources)
    return figures.resources[what].key if what < shared else figures.demands[what - shared].key


def _peak(placements: tuple[Placement, ...]) -> int:
    """The most at once; at one moment, those that end go before those that start."""
    starts = sorted(one.start_s for one in placements if one.end_s > one.start_s)
    ends = sorted(one.end_s for one in placements if one.end_s > one.start_s)
    most = ended = 0
    for started, start in enumerate(starts, 1):
        while ends[ended] <= start:
            ended += 1
        most = max(most, started - ended)
    return most
