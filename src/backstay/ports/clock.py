"""The time, asked of somebody so that a test can answer."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of now and of waiting."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""

    def elapsed(self) -> float:
        """Seconds from a fixed start that no clock change moves; for measuring spans."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
