"""From how workloads stand to what a night is made of."""

from __future__ import annotations

from datetime import datetime
from math import inf

from backstay.domain.estate import Estate, Target

from .network import way_of
from .night.model import Demand
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


def _deadline_s(stand: Standing, now: datetime) -> float:
    if stand.latest_start is None or stand.state in ("never", "late"):
        return inf
    return (stand.latest_start + stand.estimate - now).total_seconds()
