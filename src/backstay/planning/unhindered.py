"""What waits for nothing else in a night needs no plan, for it is in the same place in every plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from .night.model import Demand, Night, Placement, Resource, Schedule
from .night.portfolio import plan_quickly


@dataclass(frozen=True, slots=True)
class Unhindered:
    """Where the demands of a night are, of some of them without a plan."""

    placements: tuple[Placement, ...]


def plan_lightly(night: Night) -> Schedule | Unhindered:
    """What `plan_quickly` does, for those only that may be in one another's way."""
    free, others = sorted_out(night)
    if not free and others:
        return plan_quickly(night)
    keys = dict.fromkeys(key for demand in others for key in demand.resources)
    planned = plan_quickly(Night(others, {key: night.resources[key] for key in keys})).placements if others else ()
    return Unhindered((*free.values(), *planned))


def unhindered(night: Night) -> Mapping[str, Placement] | None:
    """Where each demand is if it moves at its own rate; None if anything may keep one from that, or from its slots."""
    for demand in night.demands:
        if demand.volume and demand.own_rate > min(
            [night.resources[key].capacity for key in demand.resources] or [inf]
        ):
            return None
    free, others = sorted_out(night)
    return None if others else free


def sorted_out(night: Night) -> tuple[Mapping[str, Placement], tuple[Demand, ...]]:
    """Those that are as soon and as fast as if they were alone, and those that may be in one another's way.

    Who has no room, whatever others do, is neither.
    """
    followed = {name for demand in night.demands for name in demand.after}
    alone = {demand.key: _alone(demand, night) for demand in night.demands if demand.key not in followed}
    tight = _tight(night, max((placed.end_s for placed in alone.values() if placed), default=0.0))
    free, others = {}, []
    for demand in night.demands:
        placed = alone.get(demand.key)
        if placed and tight.isdisjoint(demand.resources):
            free[demand.key] = placed
        elif demand.release_s < demand.open[-1][1] or demand.key in followed:
            others.append(demand)
    return free, tuple(others)


def _alone(demand: Demand, night: Night) -> Placement | None:
    """Where it is with all that it uses for itself; None if it has no place, or if its place depends on others."""
    things = [night.resources[key] for key in demand.resources]
    rate = min([demand.own_rate, *(each.capacity for each in things)])
    if demand.after or (demand.volume and not 0 < rate < inf) or (demand.stop and not _is_certain(rate, things)):
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


def _is_certain(rate: float, things: list[Resource]) -> bool:
    """What must end by a close is only promised its share of anything: more might be taken back."""
    return all(rate <= each.share * min([each.capacity, *(step for _, step in each.steps)]) for each in things)


def _tight(night: Night, until_s: float) -> set[str]:
    """The resources that might not have slots for all, or not carry as much as they could take together until then."""
    own: dict[str, float] = {}
    asked: dict[str, float] = {}
    taken: dict[str, int] = {}
    for demand in night.demands:
        things = [night.resources[key] for key in demand.resources]
        most = demand.own_rate if demand.volume else 0.0
        # What a capacity that changes leaves to it now is not the most that it will take.
        steady = min([most, *(each.capacity for each in things if not each.steps)])
        for each in things:
            own[each.key] = own.get(each.key, 0.0) + most
            asked[each.key] = asked.get(each.key, 0.0) + steady
            taken[each.key] = taken.get(each.key, 0) + 1
    return {
        key for key, jobs in taken.items() if not _carries(night.resources[key], own[key], asked[key], jobs, until_s)
    }


def _carries(resource: Resource, own: float, asked: float, jobs: int, until_s: float) -> bool:
    changes = [capacity for since, capacity in resource.steps if since < until_s]
    least = min(resource.capacity, *changes) if changes else resource.capacity
    return jobs <= resource.slots and (own if resource.steps else asked) <= least
