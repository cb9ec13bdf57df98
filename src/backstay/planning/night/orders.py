"""The orders in which a night is played before one of them is bettered."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from .figures import Figures
from .latest import latest_starts, ranked
from .model import ResourceKind

Order = list[int]
"""All places, those first that go first."""

Kinds = tuple[ResourceKind, ...]

THETA = 0.1
"""The least part of its need with which a job starts."""

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
    """What others do: so a plan is never behind theirs, and never worse than one that is blind to deadlines."""
    yield arranged(figures, longest_first(figures)), 0.999
    yield arranged(figures, earliest_deadline_first(figures)), THETA


def longest_first(figures: Figures) -> Order:
    """Blind to deadlines.

    Source: FlexLBF, Cherkasova and Zhang, HP Labs: started when the whole rate is free.
    """
    return sorted(range(len(figures.solo)), key=lambda place: -figures.solo[place])


def earliest_deadline_first(figures: Figures) -> Order:
    """Then the longest; the same if all deadlines are later by one factor."""
    return sorted(range(len(figures.solo)), key=lambda place: (figures.demands[place].deadline_s, -figures.solo[place]))


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
