"""In which order the demands of a night are taken: who must start earliest to be in time goes first.

One figure joins deadlines, chains of jobs, the longest first, and what must still follow on a resource with few slots.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from math import inf

from .figures import Figures
from .model import ResourceKind


def latest_starts(
    figures: Figures, horizon: float, scale: float, kinds: Collection[ResourceKind] = ("host", "pool")
) -> list[float]:
    """By place, the latest start for all to end by `horizon` and for deadlines, brought forward by `scale`, to hold.

    On resources of the `kinds`, those with few jobs as a rule, the longest go first.
    """
    solo, demands = figures.solo, figures.demands
    latest = [horizon - tail for tail in _tails(figures, horizon, kinds)]
    for place, demand in enumerate(demands):
        if demand.deadline_s < inf:
            latest[place] = min(latest[place], demand.deadline_s * scale - solo[place])
        if demand.open[-1][1] < inf:
            latest[place] = min(latest[place], demand.open[-1][1] - (solo[place] if demand.stop else 0.0))
    for place in reversed(figures.order):
        for other in figures.before[place]:
            latest[other] = min(latest[other], latest[place] - solo[other])
    return _together(figures, latest)


def ranked(figures: Figures, latest: Sequence[float]) -> list[int]:
    """The places by latest start; a group's members are next to one another, those that run already come first."""
    places: Sequence[int] = range(len(latest))
    if any(demand.group is not None for demand in figures.demands):
        places = sorted(places, key=lambda place: figures.demands[place].group or "")
    order = sorted(places, key=latest.__getitem__)
    return sorted(order, key=lambda place: place not in figures.running) if figures.running else order


def _tails(figures: Figures, horizon: float, kinds: Collection[ResourceKind]) -> list[float]:
    """By place, what is left from its start on: itself, or, longest first, it and all shorter ones on a resource."""
    solo = figures.solo
    tails = list(solo)
    load = [0.0] * len(figures.resources)
    rates = [_mean(figures, at, horizon) for at in range(len(load))]
    slots = [figures.slots[at] if resource.slots < inf else inf for at, resource in enumerate(figures.resources)]
    counted = [resource.kind in kinds for resource in figures.resources]
    uses = [[at for at in dict.fromkeys((*way.rated, *way.slotted)) if counted[at]] for way in figures.ways]
    for place in sorted(range(len(solo)), key=solo.__getitem__):
        volume, span, longest = figures.demands[place].volume, solo[place], solo[place]
        for at in uses[figures.way[place]]:
            by_bytes = volume / rates[at] if rates[at] > 0 else 0.0
            by_slots = span / slots[at] if slots[at] else 0.0
            load[at] += by_bytes if by_bytes > by_slots else by_slots
            if load[at] > longest:
                longest = load[at]
        tails[place] = longest
    return tails


def _mean(figures: Figures, at: int, horizon: float) -> float:
    """What a resource carries on average until the horizon."""
    supply = figures.supplies[at]
    if not supply.steps or horizon <= 0:
        return supply.at(0.0)
    turns = [*(turn for turn in supply.times if turn < horizon), horizon]
    return sum(supply.at(a) * (b - a) for a, b in pairwise(turns)) / horizon


def _together(figures: Figures, latest: list[float]) -> list[float]:
    """Members of a group take the turn of the first of them."""
    if all(demand.group is None for demand in figures.demands):
        return latest
    first: dict[str, float] = {}
    for demand, start in zip(figures.demands, latest, strict=True):
        if demand.group is not None:
            first[demand.group] = min(start, first.get(demand.group, inf))
    return [
        start if demand.group is None else first[demand.group]
        for demand, start in zip(figures.demands, latest, strict=True)
    ]
