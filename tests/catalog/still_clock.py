from __future__ import annotations

from datetime import UTC, datetime


class StillClock:
    """A clock that always shows the same moment, later than all that tests write."""

    def now(self) -> datetime:
        return datetime(2050, 1, 1, tzinfo=UTC)

    def elapsed(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        return None
