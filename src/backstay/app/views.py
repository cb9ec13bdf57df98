"""What the doors show: records whose field names are those of the JSON documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backstay.domain.errors import BackstayError
from backstay.domain.points import RestorePoint
from backstay.domain.runs import ErrorRecord, Run
from backstay.planning.live.attribution import Together, spent
from backstay.planning.network import told


@dataclass(frozen=True, slots=True)
class RunView:
    """One run as documents show it; `state` is `waiting`, `running`, `interrupted` or the result.

    It waited for its turn, moved its bytes, and needed `other_s` for all else; None where that is not known.
    `held_by` is the limit that set its rate most often; None where none of ours did, or it was over too soon to see.
    """

    run_id: str
    workload: str
    engine: str
    target: str
    level: str
    result: str | None
    state: str
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    bytes_read: int | None
    bytes_added: int | None
    point: str | None
    warnings: tuple[str, ...]
    error: dict[str, Any] | None
    bytes_moved: int | None
    waiting_s: float | None
    moving_s: float | None
    other_s: float | None
    held_by: str | None


def run_view(run: Run, *, executor_alive: bool) -> RunView:
    """`interrupted` is a run whose program died; the next `backstay run` takes it up again."""
    time = spent(run)
    open_state = "waiting" if run.started_at is None else "running" if executor_alive else "interrupted"
    return RunView(
        run_id=run.run_id,
        workload=run.workload,
        engine=run.engine,
        target=run.target,
        level=run.level,
        result=run.result,
        state=run.result or open_state,
        requested_at=run.requested_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        bytes_read=run.bytes_read,
        bytes_added=run.bytes_added,
        point=run.point,
        warnings=run.warnings,
        error=error_fields(run.error) if run.error else None,
        bytes_moved=run.bytes_moved,
        waiting_s=_rounded(time.waiting_s),
        moving_s=_rounded(time.moving_s),
        other_s=_rounded(time.other_s),
        held_by=told(time.held_by) if time.held_by else None,
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


@dataclass(frozen=True, slots=True)
class HeldView:
    """How many runs a limit held, and the part of the moving time that was theirs; `limit` None: no limit of ours."""

    limit: str | None
    runs: int
    part: float


@dataclass(frozen=True, slots=True)
class LatelyView:
    """Where the time of the runs went that were asked for since `from_at` and have ended. What held the larger part of
    the moving time comes first; `advice` is None where no one limit held most of it."""

    from_at: datetime
    runs: int
    waiting_s: float
    longest_waiting_s: float
    moving_s: float
    held: tuple[HeldView, ...]
    advice: str | None


def lately_view(from_at: datetime, time: Together) -> LatelyView:
    """The same with names and figures as documents show them."""
    return LatelyView(
        from_at=from_at,
        runs=time.runs,
        waiting_s=round(time.waiting_s, 3),
        longest_waiting_s=round(time.longest_waiting_s, 3),
        moving_s=round(time.moving_s, 3),
        held=tuple(HeldView(told(one.limit) if one.limit else None, one.runs, round(one.part, 3)) for one in time.held),
        advice=time.advice,
    )


def error_fields(error: ErrorRecord | BackstayError) -> dict[str, Any]:
    """An error as every document shows it."""
    return {
        "code": error.code,
        "message": error.message,
        "subject": error.subject,
        "hint": error.hint,
        "line": error.line,
    }


@dataclass(frozen=True, slots=True)
class PointView:
    """One restore point as documents show it."""

    point: str
    workload: str
    target: str
    engine: str
    level: str
    as_of: datetime
    bytes: int
    needs: tuple[str, ...]
    state: str
    kept_because: tuple[str, ...]
    expires_at: datetime | None
    run_id: str
    snapshot: str


def point_views(points: Sequence[RestorePoint]) -> tuple[PointView, ...]:
    """Points with why they are kept. Nothing expires yet, so the reason is the same for all."""
    return tuple(
        PointView(
            point=point.point,
            workload=point.workload,
            target=point.target,
            engine=point.engine,
            level=point.level,
            as_of=point.as_of,
            bytes=point.bytes,
            needs=point.needs,
            state=point.state,
            kept_because=("nothing is expired by this version",),
            expires_at=None,
            run_id=point.run_id,
            snapshot=point.snapshot,
        )
        for point in points
    )
