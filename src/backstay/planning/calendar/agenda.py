"""The scheduler's decisions: which workloads are due at this moment.

Each is handed out once a slot and is out of the agenda until its run has ended, so that nothing is doubled; one that
was due while nobody looked is handed out once, however long that was. Moments lie on a line of time on which clocks
are never put back. Only workloads whose moment has come are touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from heapq import heapify, heappop, heappush

from backstay.domain.errors import InvariantBroken
from backstay.domain.estate import Estate
from backstay.domain.findings import Finding
from backstay.domain.points import SKEW
from backstay.planning.objectives import margin

from .calendars import Calendar
from .slots import Claim, Slot, next_slot
from .timeline import Timeline, advanced, begun
from .windows import LOOK_AHEAD

AT_ONCE = 1000
"""So many are handed out in one tick, the most urgent first; the others in the next."""

"""A point may be so far in the future because two machines' clocks differ."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One workload as the records have it. `as_of` is that of the point that arrived last, whatever it is dated.

    `running` is set if a run of it is under way: `ended` will tell of it.
    """

    workload: str
    rpo: timedelta
    estimate: timedelta
    window: str | None = None
    as_of: datetime | None = None
    running: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A run that is due now. `night` is that of its window, None outside or without one; `latest` keeps the RPO."""

    workload: str
    at: datetime
    latest: datetime
    night: date | None
    reasons: tuple[str, ...]


@dataclass(slots=True)
class _Place:
    """Where a workload is in the agenda. `as_of` and `not_before` lie on the line of time."""

    entry: Entry
    as_of: datetime | None
    served: date | None
    unknown_age: bool
    not_before: datetime
    put_back: timedelta
    night: date | None = None
    out: bool = False


class Calendars:
    """The estate's windows and blackouts, shared by all who ask."""

    def __init__(self, estate: Estate, zone: tzinfo) -> None:
        blackouts = tuple(estate.blackouts.values())
        self._stopping = {name for name, window in estate.windows.items() if window.overrun == "stop"}
        self.free = Calendar(None, blackouts, zone)
        self.windows: Mapping[str, Calendar] = {
            name: Calendar(window, blackouts, zone) for name, window in estate.windows.items()
        }

    def of(self, window: str | None) -> Calendar | None:
        """The calendar of a window; None without one."""
        return self.windows[window] if window else None

    def stops(self, window: str) -> bool:
        """Whether work that is not done when the window closes is stopped."""
        return window in self._stopping


class Agenda:
    """Deterministic: what it answers depends on its entries and on what it was told since, by clocks and by runs."""

    def __init__(self, entries: Iterable[Entry], calendars: Calendars, wall: datetime, elapsed: float) -> None:
        self._calendars = calendars
        self._line: Timeline = begun(wall, elapsed)
        self._places = {entry.workload: self._placed(entry) for entry in entries}
        self._heap = [self._moment(place, self._slot(place)) for place in self._places.values() if not place.out]
        heapify(self._heap)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Points that are dated in the future: their workloads run once, to have one whose age is known."""
        return tuple(_future(name) for name, place in self._places.items() if place.unknown_age)

    def tick(self, wall: datetime, elapsed: float, at_once: int = AT_ONCE) -> tuple[Due, ...]:
        """What is due now, the earliest moment first. It is handed out once; `ended` must follow for each."""
        self._line = advanced(self._line, wall, elapsed)
        due: list[Due] = []
        while self._heap and self._heap[0][0] <= self._line.at and len(due) < at_once:
            place = self._places[heappop(self._heap)[2]]
            # Windows follow the wall clock: where that was put back, a moment on the line is early.
            slot = self._slot(place)
            if slot is None or slot.at > wall:
                heappush(self._heap, self._moment(place, slot))
            else:
                place.out, place.night, place.put_back = True, slot.night, self._line.put_back
                due.append(Due(place.entry.workload, wall, slot.latest, slot.night, slot.reasons))
        return tuple(due)

    def ended(self, workload: str, as_of: datetime | None, wall: datetime, elapsed: float) -> None:
        """A run has ended and left a point consistent with `as_of`, or none: then it is tried again after a pause.

        Raises: InvariantBroken if no run of that workload is out.
        """
        self._line = advanced(self._line, wall, elapsed)
        place = self._places[workload]
        if not place.out:
            raise InvariantBroken(f"{workload} has ended and was not begun", subject=workload)
        if as_of is None:
            place.not_before = self._line.at + margin(place.entry.rpo)
        else:
            # A run that has just ended left nothing from the future, whatever the clock did meanwhile.
            place.as_of = min(as_of + place.put_back, self._line.at)
            place.served = place.night or place.served
            place.unknown_age = False
        place.out = False
        heappush(self._heap, self._moment(place, self._slot(place)))

    def next_at(self) -> float | None:
        """Seconds from the last look until something may be due; None if nothing is awaited."""
        return max(0.0, self._heap[0][0].timestamp() - self._line.at.timestamp()) if self._heap else None

    def _placed(self, entry: Entry) -> _Place:
        future = entry.as_of is not None and entry.as_of > self._line.wall + SKEW
        as_of = None if future or entry.as_of is None else min(entry.as_of, self._line.at)
        window = self._calendars.of(entry.window)
        served = window.night_of(as_of) if window and as_of else None
        return _Place(entry, as_of, served, future, self._line.at, timedelta(0), served, entry.running)

    def _slot(self, place: _Place) -> Slot | None:
        back, entry = self._line.put_back, place.entry
        claim = Claim(entry.rpo, entry.estimate, place.as_of and place.as_of - back, place.served, place.unknown_age)
        now = max(self._line.at, place.not_before) - back
        return next_slot(claim, now, self._calendars.free, self._calendars.of(entry.window))

    def _moment(self, place: _Place, slot: Slot | None) -> tuple[datetime, datetime, str]:
        """When to look at it, on the line; of several the most urgent first."""
        back = self._line.put_back
        if slot is None:
            return self._line.at + LOOK_AHEAD / 2, self._line.at, place.entry.workload
        return slot.at + back, slot.latest + back, place.entry.workload


def _future(workload: str) -> Finding:
    return Finding(
        "future-point",
        "warning",
        workload,
        "its newest restore point is dated in the future, so nobody knows how old it is",
        "Look at this machine's clock; a new point is taken.",
    )
