"""Nights in which nothing waits for anything else: they need no plan, for every plan of them is the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from .night.model import Demand, Night, Placement, Resource, Schedule
from .night.portfolio import plan_quickly


@dataclass(frozen=True, slots=True)
class Unhindered:
    """The part of a schedule that is known without a plan."""

    placements: tuple[Placement, ...]


def plan_lightly(night: Night) -> Schedule | Unhindered:
    """The same placements as `plan_quickly` has; without a plan, where nobody is in another's way."""
    placed = _placed(night)
    return plan_quickly(night) if placed is None else Unhindered(tuple(placed.values()))


def unhindered(night: Night) -> Mapping[str, Placement] | None:
    """Where each demand is if it moves at its own rate; None if anything may keep one from that, or from its slots."""
    limits = night.resources
    if any(d.volume and any(d.own_rate > limits[key].capacity for key in d.resources) for d in night.demands):
        return None
    return _placed(night)


def _placed(night: Night) -> Mapping[str, Placement] | None:
    """Where each that has room is, as soon and as fast as if it were alone; None if one may be in another's way."""
    own: dict[str, float] = {}
    asked: dict[str, float] = {}
    taken: dict[str, int] = {}
    times = {}
    for demand in night.demands:
        if demand.open[-1][1] <= demand.release_s:
            continue  # It has no room whatever others do.
        rate = min([demand.own_rate, *(night.resources[key].capacity for key in demand.resources)])
        placed = _alone(demand, rate)
        if placed is None or (demand.stop and not _is_certain(demand, rate, night)):
            return None
        times[demand.key] = placed
        for key in demand.resources:
            own[key] = own.get(key, 0.0) + (demand.own_rate if demand.volume else 0.0)
            asked[key] = asked.get(key, 0.0) + (rate if demand.volume else 0.0)
            taken[key] = taken.get(key, 0) + 1
    last = max((placed.end_s for placed in times.values()), default=0.0)
    enough = all(_carries(night.resources[key], own[key], asked[key], jobs, last) for key, jobs in taken.items())
    return times if enough else None


def _alone(demand: Demand, rate: float) -> Placement | None:
    """Where it is at that rate; None if it has no place, or if its place depends on others."""
    if demand.after or (demand.volume and not 0 < rate < inf):
        return None
    length_s = demand.prep_s + (demand.volume / rate if demand.volume else 0.0)
    for begin, close in demand.open:
        start = max(begin, demand.release_s)
        if start < close and (not demand.stop or start + length_s <= close):
            moving = ((start + demand.prep_s, rate),) if demand.volume else ()
            still = ((start, 0.0),) if demand.prep_s or not moving else ()
            held_by = "window" if start > demand.release_s else None
            return Placement(demand.key, start, start + length_s, (*still, *moving), held_by)
    return None


def _is_certain(demand: Demand, rate: float, night: Night) -> bool:
    """What must end by a close is only promised its share of anything: more might be taken back."""
    things = map(night.resources.__getitem__, demand.resources)
    return all(rate <= each.share * min([each.capacity, *(step for _, step in each.steps)]) for each in things)


def _carries(resource: Resource, own: float, asked: float, jobs: int, until_s: float) -> bool:
    """Whether it has slots for all and as much as they take of it; where it changes meanwhile, as they could take."""
    part = 1.0 if jobs == 1 else resource.share
    changes = [capacity for since, capacity in resource.steps if since < until_s]
    rate, least = (own, min(resource.capacity, *changes)) if changes else (asked, resource.capacity)
    return jobs <= resource.slots and rate <= part * least
