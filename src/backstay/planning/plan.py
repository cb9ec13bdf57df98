"""Which backups run when and in which order, each with its reasons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backstay.domain.errors import PlanImpossible
from backstay.domain.estate import Estate

from .jobs import Job
from .lanes import as_late, as_soon
from .objectives import Standing, is_due, margin, require_possible
from .order import in_order

FEW = 10
"""Fewer workloads than this run one after another (`workflow: auto`)."""

PARALLEL_LANES = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """Decided work. `bound_s` is the least that any order could take; `impossible` what no order can keep."""

    workflow: str
    why: str
    lanes: int
    jobs: tuple[Job, ...]
    bound_s: float
    makespan_s: float
    binding: str
    impossible: tuple[PlanImpossible, ...] = ()


def lanes_for(estate: Estate) -> tuple[str, int, str]:
    """The workflow that fits, how many jobs it runs at once, and why."""
    active = sum(1 for workload in estate.workloads.values() if workload.exempt is None)
    if estate.workflow == "serial":
        return "serial", 1, "the estate file says so"
    if estate.workflow == "auto" and active < FEW:
        return "serial", 1, f"{active} workloads are fewer than {FEW}: one after another"
    return "parallel", PARALLEL_LANES, f"{active} workloads, {PARALLEL_LANES} at a time"


def plan_now(estate: Estate, standings: Sequence[Standing], now: datetime, *, asked: Collection[str] | None) -> Plan:
    """What starts now: the workloads that were `asked` for by name, or, with None, those that are due."""
    chosen = [
        stand
        for stand in standings
        if stand.latest_start is not None
        and (stand.workload.name in asked if asked is not None else is_due(stand, now))
    ]
    jobs = [
        _job(estate, stand, now, stand.latest_start or now, _reasons(stand, asked=asked is not None))
        for stand in chosen
    ]
    return _arranged(estate, jobs, now, chosen, start_early=True)


def plan_ahead(estate: Estate, standings: Sequence[Standing], now: datetime, horizon: timedelta) -> Plan:
    """What will start between `now` and `now + horizon`, if backups take as long as they did."""
    active = [stand for stand in standings if stand.latest_start is not None]
    jobs = [job for stand in active for job in _occurrences(estate, stand, now, now + horizon)]
    return _arranged(estate, jobs, now, active, start_early=False)


def _occurrences(estate: Estate, stand: Standing, now: datetime, until: datetime) -> Iterable[Job]:
    rpo = stand.workload.owed.rpo
    step = max(rpo - stand.estimate - margin(rpo), stand.estimate, timedelta(seconds=1))
    latest = stand.latest_start or now
    if is_due(stand, now):
        latest = min(latest, now)
    first = True
    while latest < until:
        yield _job(estate, stand, now, latest, _reasons(stand, first=first))
        latest = max(latest, now) + step
        first = False


def _job(estate: Estate, stand: Standing, now: datetime, latest: datetime, reasons: Iterable[str]) -> Job:
    workload = stand.workload
    return Job(
        workload=workload.name,
        target=estate.target_of(workload).name,
        action="backup",
        start_at=max(now, latest),
        end_at=max(now, latest) + stand.estimate,
        latest_start_at=latest,
        reasons=tuple(reasons),
        group=workload.group,
        after=workload.after,
    )


def _reasons(stand: Standing, *, asked: bool = False, first: bool = True) -> Iterable[str]:
    """Why a job is in the plan; only the `first` of a workload is explained by how the workload stands now."""
    if asked:
        yield "asked for"
    if first and stand.as_of is None:
        yield "no restore point yet"
    elif first and stand.state == "late":
        yield "RPO is broken"
    elif first and stand.state == "failing":
        yield "the last run failed"
    elif not asked:
        yield "must start by then to keep its RPO"
    if stand.workload.after:
        yield "after " + ", ".join(stand.workload.after)
    if stand.workload.group:
        yield f"close to its group {stand.workload.group}"
    if not stand.measured:
        yield "duration not measured yet"


def _arranged(
    estate: Estate, jobs: Sequence[Job], now: datetime, standings: Sequence[Standing], *, start_early: bool
) -> Plan:
    workflow, lanes, why = lanes_for(estate)
    placed = (as_soon if start_early else as_late)(in_order(jobs), lanes, now)
    total = sum(job.length.total_seconds() for job in placed)
    longest = max((job.length.total_seconds() for job in placed), default=0.0)
    span = (max(job.end_at for job in placed) - min(job.start_at for job in placed)) if placed else timedelta(0)
    return Plan(
        workflow=workflow,
        why=why,
        lanes=lanes,
        jobs=tuple(placed),
        bound_s=max(total / lanes, longest),
        makespan_s=span.total_seconds(),
        binding="one job at a time" if lanes == 1 else f"{lanes} jobs at a time",
        impossible=tuple(_impossible(standings)),
    )


def _impossible(standings: Sequence[Standing]) -> Iterable[PlanImpossible]:
    for stand in standings:
        try:
            require_possible(stand)
        except PlanImpossible as impossible:
            yield impossible
