"""A window's nights, worked out once for everybody who asks; without a window, the time between blackouts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

from backstay.domain.estate import Blackout, Window

from .windows import LOOK_AHEAD, Interval, Occurrence, occurrences, open_intervals

_BACK = timedelta(days=16)
"""So far behind what is asked, that the night before it is known."""
_CHUNK = timedelta(days=64)


class Calendar:
    """Answers for any moment; what it has worked out it keeps, and nothing that it answers depends on that."""

    def __init__(self, window: Window | None, blackouts: Sequence[Blackout], zone: tzinfo) -> None:
        self.name = window.name if window else None
        self._window, self._blackouts, self._zone = window, tuple(blackouts), zone
        self._nights: list[Occurrence] = []
        self._opens: list[datetime] = []
        self._since = self._until = datetime.min.replace(tzinfo=UTC)

    @property
    def always(self) -> bool:
        """Whether work may start at any moment."""
        return self._window is None and not self._blackouts

    def is_open(self, at: datetime) -> bool:
        """Whether work may start at that moment."""
        return self.always or any(begin <= at < end for begin, end in self._parts(at))

    def night_of(self, at: datetime) -> date | None:
        """The day by which the night is called in which that moment is."""
        place = self._place(at)
        return self._nights[place].day if place >= 0 and at < self._nights[place].closes_at else None

    def coming(self, at: datetime) -> Occurrence | None:
        """The first night that is not over at that moment; None if none comes in a long time."""
        place = self._place(at)
        return self._at(place if place >= 0 and at < self._nights[place].closes_at else place + 1, at)

    def begun_by(self, at: datetime) -> Occurrence | None:
        """The last night that had opened by that moment; None if there was none in a long time."""
        return self._earlier(at)

    def following(self, night: Occurrence) -> Occurrence | None:
        """The night after that one; None if none comes in a long time."""
        return self._at(self._place(night.opens_at) + 1, night.opens_at)

    def before(self, night: Occurrence) -> Occurrence | None:
        """The night before that one; None if there was none in a long time."""
        return self._earlier(night.opens_at - timedelta.resolution)

    def next_open(self, at: datetime) -> datetime | None:
        """The first moment from `at` on at which work may start; None if none comes in a long time."""
        night = None if self.always else self.coming(at)
        if night is None:
            return at if self.always else None
        return max(at, next(begin for begin, end in night.intervals if at < end))

    def last_closed(self, at: datetime) -> Interval | None:
        """The interval that had closed last by a moment that is not open; None if there was none in a long time."""
        night = self.begun_by(at)
        return next((part for part in reversed(night.intervals) if part[1] <= at), None) if night else None

    def intervals(self, at: datetime, until: datetime) -> Iterator[Interval]:
        """When work may start from `at` on; those that begin before `until`, whole."""
        night = self.coming(at)
        while night is not None and night.opens_at < until:
            yield from ((max(at, begin), end) for begin, end in night.intervals if at < end)
            night = self.following(night)

    def _parts(self, at: datetime) -> tuple[Interval, ...]:
        """The intervals of the last night that opened by then."""
        place = self._place(at)
        return self._nights[place].intervals if place >= 0 else ()

    def _place(self, at: datetime) -> int:
        """Where the last night that opened by then stands; -1 if none is known."""
        if not self._since <= at < self._until + LOOK_AHEAD + _CHUNK:
            self._know(at - _BACK, at + _CHUNK)
        elif at >= self._until:
            self._know(self._since, at + _CHUNK)
        return bisect_right(self._opens, at) - 1

    def _at(self, place: int, since: datetime) -> Occurrence | None:
        while place >= len(self._nights) and self._until < since + LOOK_AHEAD:
            self._know(self._since, self._until + _CHUNK)
        return self._nights[place] if place < len(self._nights) else None

    def _earlier(self, at: datetime) -> Occurrence | None:
        while (place := self._place(at)) < 0 and self._since > at - LOOK_AHEAD:
            self._know(self._since - _CHUNK, self._until)
        return self._nights[place] if place >= 0 else None

    def _know(self, since: datetime, until: datetime) -> None:
        """Work out all that opens between two moments; what is known already is kept, if nothing goes before it."""
        if since != self._since:
            self._since = self._until = since
            self._nights, self._opens = [], []
        nights = self._worked_out(self._until, until)
        if nights and self._nights and self._nights[-1].closes_at == nights[0].opens_at and self._window is None:
            # No night ends here: this is only as far as was looked.
            joined = Occurrence(self._nights.pop().day, ((self._opens.pop(), nights[0].closes_at),))
            nights = [joined, *nights[1:]]
        self._nights += nights
        self._opens += [night.opens_at for night in nights]
        self._until = until

    def _worked_out(self, since: datetime, until: datetime) -> list[Occurrence]:
        if self._window is not None:
            return list(occurrences(self._window, self._blackouts, self._zone, since, until))
        free = open_intervals(None, self._blackouts, self._zone, since, until)
        return [Occurrence(begin.date(), ((begin, end),)) for begin, end in free]
