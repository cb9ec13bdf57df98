"""From how workloads stand to what a night is made of."""

from __future__ import annotations

from datetime import datetime

from backstay.domain.estate import Estate, Target

from .network import way_of
from .night.model import Demand
from .objectives import Standing


def demand_of(key: str, estate: Estate, stand: Standing, target: Target, now: datetime) -> Demand:
    """The job that a workload asks for now: it may start at once, and should end while its RPO still holds."""
    workload = stand.workload
    latest_end = (stand.latest_start or now) + stand.estimate
    return Demand(
        key=key,
        volume=stand.volume,
        own_rate=stand.own_rate,
        prep_s=stand.prep_s,
        deadline_s=(latest_end - now).total_seconds(),
        after=workload.after,
        resources=way_of(estate, workload, target),
        kind=workload.kind,
        group=workload.group,
    )
