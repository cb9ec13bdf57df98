"""The orders in which a night is played before one of them is bettered."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import permutations
from math import inf

from .figures import Figures
from .latest import latest_starts, ranked
from .model import ResourceKind

Order = list[int]
"""All places, those first that go first."""

Kinds = tuple[ResourceKind, ...]

THETA = 0.1
"""The least part of its need with which a job starts."""

SLIGHT = 1e-9
"""The part of a deadline by which sums of spans may be wrong."""

BY_LATEST_START: tuple[tuple[float, float, Kinds], ...] = (
    (1.0, THETA, ("host", "pool")),
    (0.7, THETA, ()),
    (0.85, THETA, ("host", "pool", "target")),
    (1.0, THETA, ("host", "pool", "link")),
    (0.5, THETA, ("host", "pool")),
    (1.0, THETA / 2, ("host", "pool")),
    (0.7, THETA / 2, ()),
    (0.85, THETA / 2, ("host", "pool", "target")),
    (1.0, THETA / 2, ("host", "pool", "link")),
    (0.5, THETA / 2, ("host", "pool")),
    (1.0, THETA * 2.5, ("host", "pool", "target")),
    (0.7, THETA * 2.5, ("host", "pool")),
    (1.0, THETA * 2.5, ()),
)
"""By how much deadlines are brought forward, the least part of its need with which a job starts, and where the longest
go first. No one of them is best everywhere; the most promising come first."""


def by_latest_start(figures: Figures, horizon: float, count: int) -> Iterator[tuple[Order, float]]:
    """The first `count` of those that join deadlines, chains and length."""
    for scale, theta, kinds in BY_LATEST_START[:count]:
        yield ranked(figures, latest_starts(figures, horizon, scale, kinds)), theta


def simple(figures: Figures) -> Iterator[tuple[Order, float]]:
    """What others do, so that no plan is behind theirs: blind to deadlines, the earliest first, and giving some up."""
    yield arranged(figures, longest_first(figures)), 0.999
    yield arranged(figures, earliest_deadline_first(figures)), THETA
    yield arranged(figures, fewest_late(figures)), THETA


def longest_first(figures: Figures) -> Order:
    """Blind to deadlines.

    Source: FlexLBF, Cherkasova and Zhang, HP Labs: started when the whole rate is free.
    """
    return sorted(range(len(figures.solo)), key=lambda place: -figures.solo[place])


def earliest_deadline_first(figures: Figures) -> Order:
    """Then the longest; the same if all deadlines are later by one factor."""
    return sorted(range(len(figures.solo)), key=lambda place: (figures.demands[place].deadline_s, -figures.solo[place]))


def fewest_late(figures: Figures) -> Order:
    """Earliest deadline first; where a resource has too much to do before one, the longest on it goes to the end.

    Where all share one slot, and may start at any time, nobody keeps more deadlines.

    Source: J. M. Moore, An n job, one machine sequencing algorithm for minimizing the number of late jobs (1968).
    """
    order = earliest_deadline_first(figures)
    given_up = _given_up(figures, [place for place in order if figures.demands[place].deadline_s < inf])
    return sorted(order, key=lambda place: place in given_up)


def _given_up(figures: Figures, promised: Order) -> set[int]:
    """Those of the promised, in the order of their deadlines, for which there is no time."""
    given_up: set[int] = set()
    load = [0.0] * len(figures.resources)
    longest: list[list[tuple[float, int]]] = [[] for _ in load]
    for place in promised:
        for at, span in _spans(figures, place):
            load[at] += span
            heappush(longest[at], (-span, place))
        for at, _ in _spans(figures, place):
            while longest[at] and load[at] > figures.demands[place].deadline_s * (1 + SLIGHT):
                _, other = heappop(longest[at])
                if other not in given_up:
                    given_up.add(other)
                    for where, span in _spans(figures, other):
                        load[where] -= span
    return given_up


def _spans(figures: Figures, place: int) -> list[tuple[int, float]]:
    """For how long it keeps each of its resources busy, at least: by its bytes, or by its slot."""
    volume = figures.demands[place].volume
    spans = {
        at: volume / figures.supplies[at].most if figures.supplies[at].most else inf for at in figures.rated[place]
    }
    for at in figures.slotted[place]:
        by_slot = figures.solo[place] / figures.slots[at] if figures.slots[at] else inf
        spans[at] = max(spans.get(at, 0.0), by_slot)
    return [(at, span) for at, span in spans.items() if span < inf]


def every(figures: Figures) -> Iterator[tuple[Order, float]]:
    """All that there are."""
    for order in permutations(range(len(figures.demands))):
        yield sorted(order, key=lambda place: place not in figures.running), THETA


def arranged(figures: Figures, order: Order) -> Order:
    """Those that run already come first, and a group's members are next to one another, where the first of them was."""
    firsts: dict[str, int] = {}
    turns = {}
    for turn, place in enumerate(order):
        group = figures.demands[place].group
        turns[place] = turn if group is None else firsts.setdefault(group, turn)
    return sorted(order, key=lambda place: (place not in figures.running, turns[place]))
