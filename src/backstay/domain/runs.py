"""Runs: one execution of a job, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

RunResult = Literal["done", "incomplete", "failed", "skipped", "cancelled"]


@dataclass(frozen=True, slots=True)
class Amount:
    """How much a source holds: `items` are files, rows or keys; None where it is not known."""

    bytes: int | None = None
    items: int | None = None


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """A BackstayError as it is kept and shown; `code` names its class."""

    code: str
    message: str
    subject: str | None = None
    hint: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Moving:
    """How the bytes of a copy went: `own_rate` in bytes per second, where no limit of ours held them back."""

    moved: int
    seconds: float
    own_rate: int | None = None
    bound_by: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One execution for one workload and target; `result` is None until it has ended.

    It must not start after `start_by`, and is stopped at `stop_at`: its window has closed then. Between `admitted_at`
    and its end it holds slots of every resource on its way. `bytes_moved` went to the target in
    `moving_s` seconds; `own_rate` is how fast it was, in bytes per second, where no limit of ours held it back;
    `bound_by` says what decided how long it took.
    """

    run_id: str
    workload: str
    engine: str
    target: str
    level: str
    requested_at: datetime
    reason: str
    attempts: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    result: RunResult | None = None
    bytes_read: int | None = None
    bytes_added: int | None = None
    point: str | None = None
    warnings: tuple[str, ...] = ()
    error: ErrorRecord | None = None
    start_by: datetime | None = None
    stop_at: datetime | None = None
    admitted_at: datetime | None = None
    bytes_moved: int | None = None
    moving_s: float | None = None
    own_rate: int | None = None
    bound_by: str | None = None


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is; bytes, and None where the end cannot be foreseen."""

    run_id: str
    at: datetime
    phase: str
    done: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class RunNote:
    """One redacted line of a run's log."""

    run_id: str
    at: datetime
    level: Literal["info", "warning", "error"]
    text: str
