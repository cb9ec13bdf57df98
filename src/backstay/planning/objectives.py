"""What a workload is owed and what it has: lost time, due times, and its state in one word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from backstay.domain.errors import InvariantBroken, PlanImpossible
from backstay.domain.estate import Workload
from backstay.domain.spans import span_text
from backstay.ports.catalog import Facts

WorkloadState = Literal["ok", "due", "late", "failing", "never", "exempt"]

UNMEASURED = timedelta(minutes=5)
"""Assumed for a backup that never ran; at most a quarter of its RPO."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One workload against its objectives at one moment.

    `latest_start` is when a backup must begin for the RPO to hold; None for an exempt workload.
    `estimate` is the 95th percentile of measured durations, or an assumption (`measured` is False).
    """

    workload: Workload
    state: WorkloadState
    as_of: datetime | None
    achieved_rpo: timedelta | None
    latest_start: datetime | None
    estimate: timedelta
    measured: bool


def percentile95(seconds: Sequence[float]) -> float:
    """The nearest-rank 95th percentile.

    >>> percentile95([1.0, 2.0, 3.0])
    3.0
    """
    ranked = sorted(seconds)
    return ranked[max(0, -(-len(ranked) * 95 // 100) - 1)]


def estimate(rpo: timedelta, durations: Sequence[float]) -> tuple[timedelta, bool]:
    """How long the next backup may take, and whether that was measured."""
    if durations:
        return timedelta(seconds=percentile95(durations)), True
    return min(UNMEASURED, rpo / 4), False


def margin(rpo: timedelta) -> timedelta:
    """What is kept in hand for detection and a retry: a tenth of the RPO, between ten seconds and an hour."""
    return min(max(rpo / 10, timedelta(seconds=10)), timedelta(hours=1))


def standing(workload: Workload, facts: Facts, durations: Sequence[float], now: datetime) -> Standing:
    """How a workload stands at `now`.

    Where several states fit, the first of exempt, never, late, failing, due, ok is given.
    Raises: InvariantBroken if `now` has no time zone.
    """
    if now.tzinfo is None:
        raise InvariantBroken("standing was asked at a time without a zone")
    point = facts.last_point
    as_of = point.as_of if point else None
    if workload.exempt is not None:
        return Standing(workload, "exempt", as_of, None, None, timedelta(0), False)
    rpo = workload.owed.rpo
    likely, measured = estimate(rpo, durations)
    achieved = now - as_of if as_of else None
    latest = as_of + rpo - likely - margin(rpo) if as_of else now
    failed = facts.last_run is not None and facts.last_run.result in ("failed", "incomplete")
    state: WorkloadState = (
        "never"
        if achieved is None
        else "late"
        if achieved > rpo
        else "failing"
        if failed
        else "due"
        if now >= latest
        else "ok"
    )
    return Standing(workload, state, as_of, achieved, latest, likely, measured)


def require_possible(stand: Standing) -> None:
    """Nothing, or PlanImpossible with a counter-offer when backups take longer than the RPO leaves them."""
    rpo = stand.workload.owed.rpo
    if stand.measured and stand.estimate + margin(rpo) >= rpo:
        raise PlanImpossible(
            f"{stand.workload.name}: an RPO of {span_text(rpo)} cannot be kept, "
            f"a backup takes {_span(stand.estimate)} and {_span(margin(rpo))} are kept in hand",
            subject=stand.workload.name,
            hint=f"Ask for an RPO of {span_text(nearest_rpo(stand.estimate))} or more, or ship logs between backups.",
        )


def nearest_rpo(duration: timedelta) -> timedelta:
    """An RPO that backups of this length can keep, with some air, in whole minutes or hours.

    >>> span_text(nearest_rpo(timedelta(minutes=20))), span_text(nearest_rpo(timedelta(seconds=3)))
    ('25m', '1m')
    """
    possible = duration * 5 / 4
    unit = timedelta(minutes=1) if possible < timedelta(hours=10) else timedelta(hours=1)
    return -(-possible // unit) * unit


def is_due(stand: Standing, now: datetime) -> bool:
    """Whether a backup must start now; a failed last run is tried again at once."""
    return stand.latest_start is not None and (now >= stand.latest_start or stand.state == "failing")


def _span(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and (seconds % size == 0 or seconds >= 10 * size):
            return f"{seconds // size} {unit}"
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
