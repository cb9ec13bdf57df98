"""The plan of a night: several orders are played; the one that breaks the fewest promises, in the least time, is kept.

Of a night that is not large the best is then bettered, and compared with what others do. Of a very small one all orders
are played; then later deadlines never break a promise more, since what is played does not depend on them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Set
from contextlib import contextmanager
from math import inf

from . import orders
from .bettering import Played, bettered, played
from .bounds import Heads, bound_of, heads_of
from .figures import Figures, figures_of
from .holding import Job
from .model import Night, Schedule
from .outcome import Losses, losses, schedule_of

LIMITS = ((60, 13, 190), (200, 13, 40), (600, 5, 6), (2_000, 3, 1), (20_000, 2, 0))
"""Up to how many demands so many orders by latest start are played, and so many more come from the best; above, one.

What others do is played only where the best is bettered: for more demands it costs as much and has never won.
"""

TRIES = 4
"""At most so many tries a demand: very small nights have few other orders."""

ALL_ORDERS = 5
"""Up to so many demands all their orders are played."""

SAME = 1e-9
"""A makespan is at the bound if it is above it by no more than this part."""


def plan_night(night: Night, running: Set[str] = frozenset()) -> Schedule:
    """When each demand runs and at which rates. Those `running` keep the slots that they hold, from second zero on.

    No resource has more jobs than slots or carries more than its capacity at any moment, nothing starts outside its
    intervals, or before what it comes after has ended. The same night gives the same plan.
    """
    with _uncollected():
        figures = figures_of(night, running)
        heads = heads_of(figures)
        least = bound_of(figures, heads)
        return schedule_of(figures, heads, least, _planned(figures, heads, least.knee_s))


def plan_quickly(night: Night) -> Schedule:
    """The same promises with one order only, for nights that are imagined by the thousand."""
    figures = figures_of(night, frozenset())
    heads = heads_of(figures)
    least = bound_of(figures, heads)
    return schedule_of(figures, heads, least, _first(figures, least.knee_s))


def order_of_work(night: Night, running: Set[str] = frozenset(), plan: Schedule | None = None) -> tuple[str, ...]:
    """All demands, those first that go first while a night runs. `plan` is the night's, where it is known already.

    By latest start; or as they start in the plan, if that keeps promises which are broken otherwise. A plan that only
    saves time fits so closely that it is soon the worse order: what happens is not what was foretold.
    """
    with _uncollected():
        figures = figures_of(night, running)
        knee_s = bound_of(figures, heads_of(figures)).knee_s
        order, theta = next(orders.by_latest_start(figures, knee_s, 1))
        broken = losses(figures, played(figures, order, theta))[:2]
    keys = tuple(figures.demands[place].key for place in order)
    if not any(broken):
        return keys
    plan = plan or plan_night(night, running)
    if (len(plan.unplaced), len(plan.late)) >= broken:
        return keys
    # Of those that start together, the one that will be busy longest goes first; the unplaced go last.
    turns = {each.key: (each.start_s, -each.end_s) for each in plan.placements}
    return tuple(sorted(keys, key=lambda key: turns.get(key, (inf, 0.0))))


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


def _planned(figures: Figures, heads: Heads, knee_s: float) -> list[Job]:
    size = len(figures.demands)
    enough = 0, 0, knee_s * (1 + SAME)
    if size <= ALL_ORDERS:
        return _best_of(_all(figures, orders.every(figures)), enough).jobs
    for most, count, tries in LIMITS:
        if size <= most:
            starts = [*_all(figures, orders.by_latest_start(figures, knee_s, count))]
            few = min(tries, TRIES * size)
            best = bettered(figures, min(starts, key=_losses), few, enough)
            if not tries or best.losses <= enough:
                return best.jobs
            # The others last: what keeps one promise more at the cost of much time is a bad start.
            starts += _all(figures, orders.simple(figures))
            other = min(starts, key=_losses)
            best = bettered(figures, other, few, enough) if other.losses < best.losses else best
            return _keeping_more(figures, [best, *sorted(starts, key=_losses)], few, _hopeless(figures, heads)).jobs
    return _first(figures, knee_s)


def _keeping_more(figures: Figures, starts: list[Played], tries: int, hopeless: tuple[int, int]) -> Played:
    """The first, or what keeps more promises: from the first start of each least rate it is looked for again."""
    best, enough = starts[0], (*hopeless, inf)
    firsts: dict[float, Played] = {}
    for start in starts:
        firsts.setdefault(start.theta, start)
    for start in firsts.values():
        if best.losses[:2] > hopeless:
            best = min(best, bettered(figures, start, tries, enough), key=_losses)
    return best


def _hopeless(figures: Figures, heads: Heads) -> tuple[int, int]:
    """How many have no place, and how many are late, even alone."""
    ends = [head[1] if head else inf for head in heads]
    return ends.count(inf), sum(demand.deadline_s < end for demand, end in zip(figures.demands, ends, strict=True))


def _first(figures: Figures, knee_s: float) -> list[Job]:
    """The most promising order alone."""
    order, theta = next(orders.by_latest_start(figures, knee_s, 1))
    return played(figures, order, theta)


def _all(figures: Figures, variants: Iterator[tuple[orders.Order, float]]) -> Iterator[Played]:
    return (Played(jobs := played(figures, *variant), variant[1], losses(figures, jobs)) for variant in variants)


def _best_of(every: Iterator[Played], enough: Losses) -> Played:
    """The first that loses no more than `enough`, else what loses least."""
    best = next(every)
    while best.losses > enough and (one := next(every, None)):
        best = min(best, one, key=_losses)
    return best


def _losses(one: Played) -> Losses:
    return one.losses
