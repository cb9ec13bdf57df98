"""What a workload is owed and what it has: lost time, due times, and its state in one word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Literal

from backstay.domain.errors import InvariantBroken, PlanImpossible
from backstay.domain.estate import Window, Workload
from backstay.domain.points import SKEW
from backstay.domain.spans import span_text
from backstay.ports.catalog import Facts, Measured

WorkloadState = Literal["ok", "due", "late", "failing", "never", "exempt"]

UNMEASURED = timedelta(minutes=5)
"""Assumed for a backup that never ran; at most a quarter of its RPO."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One workload against its objectives at one moment.

    `latest_start` is when a backup must begin for the RPO to hold; None for an exempt workload.
    `estimate` is the 95th percentile of measured durations, or an assumption (`measured` is False).
    `volume` bytes of it move, at `own_rate` bytes a second where nothing else limits them.
    """

    workload: Workload
    state: WorkloadState
    as_of: datetime | None
    achieved_rpo: timedelta | None
    latest_start: datetime | None
    estimate: timedelta
    measured: bool
    volume: float = 0.0
    prep_s: float = 0.0
    own_rate: float = inf


def percentile95(seconds: Sequence[float]) -> float:
    """The nearest-rank 95th percentile.

    >>> percentile95([1.0, 2.0, 3.0])
    3.0
    """
    ranked = sorted(seconds)
    return ranked[max(0, -(-len(ranked) * 95 // 100) - 1)]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the next backup may be: `length` in all, of which `prep_s` pass while none of the `volume` bytes move."""

    length: timedelta
    measured: bool
    volume: float
    prep_s: float
    own_rate: float


def estimate(rpo: timedelta, runs: Sequence[Measured]) -> Estimate:
    """From the newest runs; each part by its 95th percentile, so that a plan is kept more often than not.

    Where no run tells how bytes moved, all of the time counts as preparation, which no rate makes shorter.
    """
    if not runs:
        assumed = min(UNMEASURED, rpo / 4)
        return Estimate(assumed, False, 0.0, assumed.total_seconds(), inf)
    length = percentile95([run.seconds for run in runs])
    moving = [(run.moved, run.moving_s) for run in runs if run.moved is not None and run.moving_s is not None]
    if not moving:
        return Estimate(timedelta(seconds=length), True, 0.0, length, inf)
    still = [run.seconds - run.moving_s for run in runs if run.moving_s is not None]
    return Estimate(
        timedelta(seconds=length),
        True,
        percentile95([float(moved) for moved, _ in moving]),
        max(0.0, percentile95(still)),
        max((float(run.own_rate) for run in runs if run.own_rate), default=inf),
    )


_LEAST_MARGIN = timedelta(seconds=10)


def margin(rpo: timedelta) -> timedelta:
    """What is kept in hand for detection and a retry: a tenth of the RPO, between ten seconds and an hour."""
    return min(max(rpo / 10, _LEAST_MARGIN), timedelta(hours=1))


def standing(workload: Workload, facts: Facts, runs: Sequence[Measured], now: datetime) -> Standing:
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
    next_one = estimate(rpo, runs)
    likely = next_one.length
    known = (
        as_of if as_of and as_of <= now + SKEW else None
    )  # of what a clock dated that was ahead nobody knows the age
    achieved = now - known if known else None
    latest = known + rpo - likely - margin(rpo) if known else now
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
    return Standing(
        workload,
        state,
        as_of,
        achieved,
        latest,
        likely,
        next_one.measured,
        next_one.volume,
        next_one.prep_s,
        next_one.own_rate,
    )


def require_possible(stand: Standing) -> None:
    """Nothing, or PlanImpossible with a counter-offer when backups take longer than the RPO leaves them.

    A point is as old as the moment at which its backup began, and is needed until the next one has ended: one backup
    after another, that is twice as long as one takes.
    """
    rpo = stand.workload.owed.rpo
    if stand.measured and 2 * stand.estimate + margin(rpo) >= rpo:
        raise PlanImpossible(
            f"{stand.workload.name}: an RPO of {span_text(rpo)} cannot be kept, a backup takes {_span(stand.estimate)},"
            f" a point must last until the next one is there, and {_span(margin(rpo))} are kept in hand",
            subject=stand.workload.name,
            hint=f"Ask for an RPO of {span_text(nearest_rpo(stand.estimate))} or more, or ship logs between backups.",
        )


def require_room(stand: Standing, window: Window, opened: timedelta) -> None:
    """Nothing, or PlanImpossible when its window stops backups that take longer than it is open."""
    if window.overrun == "stop" and stand.measured and stand.estimate > opened:
        raise PlanImpossible(
            f"{stand.workload.name}: its window {window.name} is open for {_span(opened)} and stops what is not done, "
            f"a backup takes {_span(stand.estimate)}",
            subject=stand.workload.name,
            hint="Open it for longer, or give it `overrun: finish`.",
        )


def nearest_rpo(duration: timedelta) -> timedelta:
    """An RPO that backups of this length can keep, with some air, in whole minutes or hours.

    >>> span_text(nearest_rpo(timedelta(minutes=20))), span_text(nearest_rpo(timedelta(seconds=3)))
    ('45m', '1m')
    """
    possible = max(duration * 9 / 4, duration * 2 + _LEAST_MARGIN * 1.1)
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
