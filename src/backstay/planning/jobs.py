"""Lines of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class Job:
    """One line of a plan. `latest_start_at` is the last moment at which its RPO still holds."""

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

    @property
    def length(self) -> timedelta:
        """How long it is expected to take."""
        return self.end_at - self.start_at
