"""From how workloads stand to what a night is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from math import inf

from backstay.domain.estate import Estate, Target

from .network import way_of
from .night.model import Demand, Night, Resource
from .objectives import Standing


def demand_of(key: str, estate: Estate, stand: Standing, target: Target, now: datetime) -> Demand:
    """The job that a workload asks for now: it may start at once, and should end while its RPO still holds.

    Where that is broken already, or there is no backup yet, it has no deadline that could be kept: a short one would
    go before a long one for nothing.
    """
    workload = stand.workload
    return Demand(
        key=key,
        volume=stand.volume,
        own_rate=stand.own_rate,
        prep_s=stand.prep_s,
        deadline_s=_deadline_s(stand, now),
        after=workload.after,
        resources=way_of(estate, workload, target),
        kind=workload.kind,
        group=workload.group,
    )


def night_of(demands: Iterable[Demand], resources: Mapping[str, Resource]) -> Night:
    """The night of these jobs. One whose size nobody knows begins when all that is on its way carries something."""
    shut = {key: one for key, one in resources.items() if not all((one.capacity, *(rate for _, rate in one.steps)))}
    return Night(tuple(one if one.volume else _when_carried(one, shut) for one in demands), resources)


def _when_carried(demand: Demand, sometimes_shut: Mapping[str, Resource]) -> Demand:
    way = [sometimes_shut[key] for key in demand.resources if key in sometimes_shut]
    if not way:
        return demand
    turns = sorted({0.0, *(since for one in way for since, _ in one.steps if since > 0)})
    shut = [turn for turn in turns if not all(one.capacity_at(turn) > 0 for one in way)]
    carried: list[tuple[float, float]] = []
    for begin, end in pairwise([*turns, inf]):
        if begin not in shut:
            since = carried.pop()[0] if carried and carried[-1][1] == begin else begin
            carried.append((since, end))
    both = [(max(a, c), min(b, d)) for a, b in demand.open for c, d in carried]
    opened = tuple((begin, end) for begin, end in both if begin < end)
    return replace(demand, open=opened) if opened else demand


def _deadline_s(stand: Standing, now: datetime) -> float:
    if stand.latest_start is None or stand.state in ("never", "late"):
        return inf
    return (stand.latest_start + stand.estimate - now).total_seconds()
