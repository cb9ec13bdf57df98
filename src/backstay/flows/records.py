"""What durable steps take and return.

Fields are added with defaults and never renamed: old stored runs are replayed.
"""

from __future__ import annotations

from dataclasses import dataclass

from backstay.domain.errors import BackstayError
from backstay.domain.runs import ErrorRecord, Moving, RunResult


@dataclass(frozen=True, slots=True)
class Ticket:
    """A run that was asked for."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """The run may go on, unless `stopped`."""

    run_id: str
    stopped: ErrorRecord | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """Source and repository answered, unless `stopped`."""

    run_id: str
    stopped: ErrorRecord | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copied:
    """The point is in the repository and in the catalog, unless `stopped`."""

    run_id: str
    stopped: ErrorRecord | None = None
    point: str | None = None
    bytes_read: int | None = None
    bytes_added: int | None = None
    warnings: tuple[str, ...] = ()
    moving: Moving | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The run has its result."""

    run_id: str
    result: RunResult


def record_of(error: BackstayError) -> ErrorRecord:
    """The error as it is kept."""
    return ErrorRecord(error.code, error.message, error.subject, error.hint, error.line)
