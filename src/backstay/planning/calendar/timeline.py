"""Time that only goes on, made of two clocks: one that people set, and one that stands still while a machine sleeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_STEP = timedelta(seconds=1)
"""Less than this between the clocks is how exactly they can be read, not a clock that was set."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """What both clocks showed when they were last read, and the moment that this is on the line.

    The line is the wall clock, less what it was put back by: nothing on it ever comes twice.
    """

    wall: datetime
    elapsed: float
    at: datetime

    @property
    def put_back(self) -> timedelta:
        """By how much the wall clock was put back since the line began."""
        return self.at - self.wall


def begun(wall: datetime, elapsed: float) -> Timeline:
    """A line that begins now."""
    return Timeline(wall, elapsed, wall)


def advanced(line: Timeline, wall: datetime, elapsed: float) -> Timeline:
    """The line a while later.

    A wall clock that is ahead of the other has counted a sleep, or was put forward: nobody can tell, and for an RPO the
    longer time counts. One that is behind was put back: then the other says how much time has passed.
    """
    shown = wall - line.wall
    counted = timedelta(seconds=elapsed - line.elapsed)
    passed = counted if counted - shown > _STEP else max(shown, timedelta(0))
    return Timeline(wall, elapsed, line.at + passed)
