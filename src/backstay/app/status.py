"""`status`: every workload against its objectives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backstay.domain.drills import Drill
from backstay.domain.errors import ExitCode
from backstay.domain.findings import Finding
from backstay.planning.groups import spreads
from backstay.planning.objectives import Standing
from backstay.ports.catalog import Facts

from .standing import ended_facts, standings
from .wiring import Opened, require_workloads


@dataclass(frozen=True, slots=True)
class WorkloadStatus:
    """One workload; None where nothing is owed or nothing was measured.

    `group_spread_s` is how far apart the newest points of its group's members are; None while one of them has none.
    """

    workload: str
    state: str
    as_of: datetime | None
    achieved_rpo_s: float | None
    rpo_s: float | None
    proven_at: datetime | None
    measured_rto_s: float | None
    rto_s: float | None
    next_due_at: datetime | None
    point: str | None
    last_run: str | None
    exempt_reason: str | None
    exempt_until: str | None
    group: str | None
    group_spread_s: float | None
    findings: tuple[Finding, ...]


def status(house: Opened, names: tuple[str, ...] = ()) -> tuple[WorkloadStatus, ...]:
    """All workloads, or the named ones, in the order of the estate file."""
    require_workloads(house.estate, names)
    facts = ended_facts(house)
    now = house.clock.now()
    stands = standings(house)
    apart = spreads(stands)
    return tuple(
        _status(stand, facts.get(stand.workload.name, Facts()), apart.get(stand.workload.group or ""), now)
        for stand in stands
        if not names or stand.workload.name in names
    )


def _status(stand: Standing, facts: Facts, apart: timedelta | None, now: datetime) -> WorkloadStatus:
    workload = stand.workload
    policy = workload.policy
    proven = _still_proven(facts)
    return WorkloadStatus(
        workload=workload.name,
        state=stand.state,
        as_of=stand.as_of,
        achieved_rpo_s=None if stand.achieved_rpo is None else round(stand.achieved_rpo.total_seconds(), 1),
        rpo_s=policy.rpo.total_seconds() if policy else None,
        proven_at=proven.ended_at if proven else None,
        measured_rto_s=proven.rto_s if proven else None,
        rto_s=policy.rto.total_seconds() if policy and policy.rto else None,
        next_due_at=stand.latest_start,
        point=facts.last_point.point if facts.last_point else None,
        last_run=facts.last_run.run_id if facts.last_run else None,
        exempt_reason=workload.exempt.reason if workload.exempt else None,
        exempt_until=workload.exempt.review_by.isoformat() if workload.exempt else None,
        group=workload.group,
        group_spread_s=None if apart is None else round(apart.total_seconds(), 1),
        findings=tuple(_findings(stand, facts, now)),
    )


def _still_proven(facts: Facts) -> Drill | None:
    """The last proof, unless a later drill found that very point damaged."""
    proven, last = facts.last_proven, facts.last_drill
    undone = proven and last and last.verdict == "failed" and last.point == proven.point
    return None if undone else proven


def _findings(stand: Standing, facts: Facts, now: datetime) -> Iterator[Finding]:
    workload, policy = stand.workload, stand.workload.policy
    name = workload.name
    if workload.exempt and workload.exempt.review_by < now.date():
        yield Finding(
            "exemption-over", "warning", name, f"the exemption ended on {workload.exempt.review_by}", "Review it."
        )
    if policy is None:
        return
    if facts.last_run and facts.last_run.error:
        error = facts.last_run.error
        yield Finding(f"run-{error.code}", "error", name, error.message, error.hint)
    if facts.last_run and facts.last_run.result == "incomplete":
        hint = "Its point does not count for the RPO; see backstay log " + facts.last_run.run_id + "."
        yield Finding("run-incomplete", "error", name, "the last run could not read everything", hint)
    yield from _proof_findings(stand, facts, now)


def _proof_findings(stand: Standing, facts: Facts, now: datetime) -> Iterator[Finding]:
    name, policy = stand.workload.name, stand.workload.owed
    drill = facts.last_drill
    if drill and drill.verdict == "failed":
        told = drill.findings[0]
        yield Finding("drill-failed", "error", name, f"the last drill failed: {told.message}", told.hint)
    proven = _still_proven(facts)
    if policy.drill and stand.as_of and (proven is None or now - proven.ended_at > policy.drill):
        yield Finding("drill-due", "warning", name, "a drill is due", f"Run backstay drill {name}.")
    if proven and policy.rto and proven.rto_s is not None and proven.rto_s > policy.rto.total_seconds():
        message = f"the last proven restore took {proven.rto_s:.0f} s; {policy.rto.total_seconds():.0f} s are owed"
        yield Finding(
            "rto-missed", "error", name, message, "Look at what the restore waited for, or ask for a longer RTO."
        )


def exit_code(views: Sequence[WorkloadStatus]) -> ExitCode:
    """For monitors: 1 when a workload is late, failing or never."""
    bad = any(view.state in ("late", "failing", "never") for view in views)
    return ExitCode.FAILED if bad else ExitCode.GOOD
