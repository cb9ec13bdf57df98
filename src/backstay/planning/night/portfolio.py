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

from .bounds import bound_of, heads_of
from .figures import Figures, figures_of
from .holding import Job
from .inserting import insert_left_over
from .latest import latest_starts, ranked
from .model import Night, ResourceKind, Schedule
from .outcome import losses, schedule_of
from .reserving import play

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
    least = None
    for jobs in variants:
        least = least or losses(figures, best)
        if (now := losses(figures, jobs)) < least:
            best, least = jobs, now
    return best


def _count(figures: Figures) -> tuple[int, int]:
    return next((variants, more) for most, variants, more in LIMITS if len(figures.demands) <= most)


def _all_orders(figures: Figures) -> Iterator[tuple[list[int], float]]:
    running = figures.running
    for order in permutations(range(len(figures.demands))):
        yield sorted(order, key=lambda place: place not in running), THETA


def _improved(figures: Figures, best: list[Job], tries: int) -> list[Job]:
    """The best after some more tries: one in trouble, and all that it waits for, is put first; the worst off first."""
    least, turn = losses(figures, best), 0
    for _ in range(tries):
        ahead = _with_all_before(figures, _in_trouble(figures, best, turn))
        order = sorted(best, key=lambda job: (job.place not in figures.running, job.place not in ahead, job.rank))
        jobs = _played(figures, [job.place for job in order], THETA)
        turn += 1
        if (now := losses(figures, jobs)) < least:
            best, least, turn = jobs, now, 0
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
