"""Expensive work (fulls, verifies, drills, prunes) goes to the nights that have the most room, so that none stands out.

Largest first, each to the least loaded night that it may use, and to the last of those that are as good: work done
early has to be done again early. Nothing is ever put off past its due night for the sake of balance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf

BAND = 0.05
"""Nights whose loads differ by less than this part of what is placed are as good as one another."""


@dataclass(frozen=True, slots=True)
class Chore:
    """A piece of expensive work: so much load on a resource, on any night from `first` to `due`.

    Nights count from 0. What is overdue goes to night 0.
    """

    key: str
    resource: str
    load: float
    first: int
    due: int


@dataclass(frozen=True, slots=True)
class Spread:
    """The night of each chore, the loads that come of it, and how even they are.

    `balance` is the most loaded night over the mean one, by resource: 1.0 is perfect.
    """

    nights: Mapping[str, int]
    loads: Mapping[str, tuple[float, ...]]
    balance: Mapping[str, float]


def spread(chores: Iterable[Chore], planned: Mapping[str, Sequence[float]]) -> Spread:
    """Every chore on a night.

    Shape: `planned` has the load of each night by resource, `inf` where it is closed; all as many nights. A chore that
           is due after the last of them is not placed yet.
    """
    loads = {resource: list(nights) for resource, nights in planned.items()}
    nights: dict[str, int] = {}
    # The key decides between equals, so that the order in which chores are listed does not.
    for chore in sorted(chores, key=lambda chore: (-chore.load, chore.due, chore.key)):
        its_loads = loads[chore.resource]
        if chore.due < len(its_loads):
            night = _night(chore, its_loads)
            its_loads[night] += chore.load
            nights[chore.key] = night
    return Spread(
        nights,
        {resource: tuple(its) for resource, its in loads.items()},
        {resource: balance(its) for resource, its in loads.items()},
    )


def _night(chore: Chore, loads: Sequence[float]) -> int:
    last = max(chore.due, 0)
    allowed = range(min(max(chore.first, 0), last), last + 1)
    least = min(loads[night] for night in allowed)
    if isinf(least):
        return last
    return max(night for night in allowed if loads[night] <= least + BAND * chore.load)


def balance(loads: Sequence[float]) -> float:
    """The most loaded night over the mean of all that are open; 1.0 where there is nothing to carry.

    >>> balance([1.0, 1.0, 4.0]), balance([])
    (2.0, 1.0)
    """
    opened = [load for load in loads if load != inf]
    total = sum(opened)
    return max(opened) * len(opened) / total if total else 1.0
