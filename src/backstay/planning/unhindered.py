"""Nights in which nothing waits for anything: they need no plan, for every plan of them is the same."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from .night.model import Demand, Night, Placement, Resource


def unhindered(night: Night) -> Mapping[str, Placement] | None:
    """Where each demand is, at its own rate from now on; None if one of them may have to wait, or to go slower."""
    asked: dict[str, float] = {}
    taken: dict[str, int] = {}
    times = {}
    for demand in night.demands:
        end_s = _end(demand)
        if end_s is None:
            return None
        times[demand.key] = Placement(demand.key, 0.0, end_s, ((demand.prep_s, demand.own_rate),))
        for key in demand.resources:
            asked[key] = asked.get(key, 0.0) + demand.own_rate
            taken[key] = taken.get(key, 0) + 1
    last = max((placed.end_s for placed in times.values()), default=0.0)
    hindered = any(not _carries(night.resources[key], asked[key], count, last) for key, count in taken.items())
    return None if hindered else times


def _end(demand: Demand) -> float | None:
    """When it ends if it begins at once; None if it cannot, or if that depends on others."""
    if demand.own_rate == inf or demand.after or demand.release_s > 0:
        return None
    end_s = demand.prep_s + demand.volume / demand.own_rate
    begin, close = demand.open[0] if demand.open else (inf, inf)
    return end_s if begin <= 0 and (end_s <= close or not demand.stop) else None


def _carries(resource: Resource, rate: float, jobs: int, until_s: float) -> bool:
    steady = not resource.steps or resource.steps[0][0] >= until_s
    part = 1.0 if jobs == 1 else resource.share
    return steady and jobs <= resource.slots and rate <= part * resource.capacity
