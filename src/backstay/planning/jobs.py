"""Lines of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class Job:
    """One line of a plan. `latest_start_at` is the last moment at which its RPO still holds.

    It must not start after `start_by`; at `stop_at` it is stopped. Both are None for what no window holds.
    """

    workload: str
    target: str
    action: Literal["backup"]
    start_at: datetime
    end_at: datetime
    latest_start_at: datetime
    reasons: tuple[str, ...]
    group: str | None = None
    after: tuple[str, ...] = ()
    rate_bytes_per_s: int | None = None
    slots: tuple[str, ...] = ()
    start_by: datetime | None = None
    stop_at: datetime | None = None

    @property
    def length(self) -> timedelta:
        """How long it is expected to take."""
        return self.end_at - self.start_at
