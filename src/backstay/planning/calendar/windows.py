"""When a window is open, as moments: blackouts taken out, right on days on which clocks are changed.

The rule is the clock on the wall. A moment is inside when the time it shows is: time that is left out when clocks are
put forward is no part of a window, and time that comes twice when they are put back is part of it twice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from operator import itemgetter
from typing import get_args

from backstay.domain.estate import Blackout, Link, Weekday, Window

Interval = tuple[datetime, datetime]

LOOK_AHEAD = timedelta(days=400)
"""A window that does not open for so long is taken never to open."""

_DAY = timedelta(days=1)
_STEP = _DAY
"""Clocks are never changed twice within it; the shortest time between two changes in the IANA database is 167 hours."""
_WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One night of a window, called by the local `day` on which it opens.

    It has more than one interval where a blackout or a change of clocks parts it, and never none.
    """

    day: date
    intervals: tuple[Interval, ...]

    @property
    def opens_at(self) -> datetime:
        return self.intervals[0][0]

    @property
    def closes_at(self) -> datetime:
        return self.intervals[-1][1]


def open_intervals(
    window: Window | None, blackouts: Iterable[Blackout], zone: tzinfo, from_at: datetime, until_at: datetime
) -> tuple[Interval, ...]:
    """When work may start between two moments, in UTC, ascending, not touching; without a window, outside blackouts."""
    inside: list[Interval] = [(from_at.astimezone(UTC), until_at.astimezone(UTC))]
    if window is not None:
        inside = _merged((begin, end) for _, begin, end in _daily(_rule(window), zone, from_at, until_at))
    return tuple(_without(inside, _dark(blackouts, zone, from_at, until_at)))


def occurrences(
    window: Window, blackouts: Iterable[Blackout], zone: tzinfo, from_at: datetime, until_at: datetime
) -> tuple[Occurrence, ...]:
    """The nights that open between two moments, whole, in their order; one that is wholly in a blackout is left out."""
    late = until_at + 2 * _DAY  # no window is open for longer
    dark = _dark(blackouts, zone, from_at - 2 * _DAY, late)
    nights: dict[date, list[Interval]] = {}
    for day, begin, end in _daily(_rule(window), zone, from_at - 2 * _DAY, late):
        nights.setdefault(day, []).append((begin, end))
    found = [(day, tuple(_without(_merged(parts), dark))) for day, parts in sorted(nights.items())]
    return tuple(Occurrence(day, parts) for day, parts in found if parts and from_at <= parts[0][0] < until_at)


def is_open(window: Window | None, blackouts: Iterable[Blackout], zone: tzinfo, at: datetime) -> bool:
    """Whether work may start at that moment."""
    shown = at.astimezone(zone).replace(tzinfo=None)
    if any(_is_dark(blackout, shown) for blackout in blackouts):
        return False
    return window is None or _is_within(_rule(window), shown)


def next_opening(window: Window | None, blackouts: Sequence[Blackout], zone: tzinfo, at: datetime) -> datetime | None:
    """The first moment from `at` on, itself included, at which work may start; None if `LOOK_AHEAD` has none."""
    begin = at
    for days in (2, 8, 64, LOOK_AHEAD.days):
        found = open_intervals(window, blackouts, zone, begin, at + days * _DAY)
        if found:
            return found[0][0]
        begin = at + days * _DAY
    return None


def link_steps(link: Link, zone: tzinfo, from_at: datetime, until_at: datetime) -> tuple[tuple[float, float], ...]:
    """A link's capacities as (seconds after `from_at`, bytes per second), ascending; the first is in force at once."""
    changes = {from_at.astimezone(UTC): float(link.capacity)}
    for hours, capacity in link.hours.items():
        rule = _hours_rule(hours, ())
        for begin, end in _merged((begin, end) for _, begin, end in _daily(rule, zone, from_at, until_at)):
            changes[begin] = float(capacity)
            # Where another part of the day begins, that one says what follows.
            changes.setdefault(end, float(link.capacity))
    steps = [((at - from_at).total_seconds(), capacity) for at, capacity in sorted(changes.items()) if at < until_at]
    return (steps[0], *(step for before, step in pairwise(steps) if step[1] != before[1]))


_Daily = tuple[str, str, tuple[Weekday, ...]]
"""Opening and closing time of day, and the days on which it opens; all if none is named."""


def _time(written: str) -> time:
    hour, minute = written.split(":")
    return time(int(hour), int(minute))


def open_for(window: Window) -> timedelta:
    """How long it is open by the clock on the wall; a whole day where it closes when it opens."""
    opens, closes = (timedelta(hours=at.hour, minutes=at.minute) for at in (_time(window.open), _time(window.close)))
    return (closes - opens) % _DAY or _DAY


def _is_within(rule: _Daily, shown: datetime) -> bool:
    begin, end = _time(rule[0]), _time(rule[1])
    today, yesterday = shown.date(), shown.date() - _DAY
    if begin < end:
        return begin <= shown.time() < end and _opens_on(rule, today)
    return (shown.time() >= begin and _opens_on(rule, today)) or (shown.time() < end and _opens_on(rule, yesterday))


def _opens_on(rule: _Daily, day: date) -> bool:
    return not rule[2] or _WEEKDAYS[day.weekday()] in rule[2]


def _is_dark(blackout: Blackout, shown: datetime) -> bool:
    if blackout.hours is not None:
        return _is_within(_hours_rule(blackout.hours, blackout.days), shown)
    return blackout.begin is not None and blackout.end is not None and blackout.begin <= shown < blackout.end


def _rule(window: Window) -> _Daily:
    return window.open, window.close, window.days


def _hours_rule(hours: str, days: tuple[Weekday, ...]) -> _Daily:
    begin, end = hours.split("-")
    return begin, end, days


def _stretches(zone: tzinfo, from_at: datetime, until_at: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """The time between two moments, parted where clocks are changed, each part with its offset from UTC."""
    begin, until = from_at.astimezone(UTC), until_at.astimezone(UTC)
    while begin < until:
        offset = _offset(zone, begin)
        end = begin
        while end < until and _offset(zone, end) == offset:
            end += _STEP
        end = min(end, until) if _offset(zone, end) == offset else _change(zone, end - _STEP, end)
        yield begin, min(end, until), offset
        begin = end


def _moment(shown: datetime, offset: timedelta) -> datetime:
    return (shown - offset).replace(tzinfo=UTC)


def _offset(zone: tzinfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _change(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """The whole second at which clocks are changed between these moments."""
    offset = _offset(zone, before)
    low, high = before.replace(microsecond=0), after.replace(microsecond=0) + timedelta(seconds=1)
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
    return high


def _daily(
    rule: _Daily, zone: tzinfo, from_at: datetime, until_at: datetime
) -> Iterator[tuple[date, datetime, datetime]]:
    """When a part of the day is shown on the wall, with the local day on which it began; ascending by stretch."""
    opens, closes = _time(rule[0]), _time(rule[1])
    over_midnight = _DAY if closes <= opens else timedelta(0)
    for begin, end, offset in _stretches(zone, from_at, until_at):
        first, last = (at.replace(tzinfo=None) + offset for at in (begin, end))
        day = first.date() - _DAY
        while day <= last.date():
            shown = max(first, datetime.combine(day, opens)), min(last, datetime.combine(day, closes) + over_midnight)
            if shown[0] < shown[1] and _opens_on(rule, day):
                yield day, _moment(shown[0], offset), _moment(shown[1], offset)
            day += _DAY


def _dark(blackouts: Iterable[Blackout], zone: tzinfo, from_at: datetime, until_at: datetime) -> list[Interval]:
    """Every interval in which a blackout is, ascending."""
    spans: list[Interval] = []
    for blackout in blackouts:
        if blackout.hours is not None:
            rule = _hours_rule(blackout.hours, blackout.days)
            spans += [(begin, end) for _, begin, end in _daily(rule, zone, from_at, until_at)]
        elif blackout.begin is not None and blackout.end is not None:
            spans += _once(blackout.begin, blackout.end, zone, from_at, until_at)
    return _merged(spans)


def _once(
    shown_from: datetime, shown_until: datetime, zone: tzinfo, from_at: datetime, until_at: datetime
) -> Iterator[Interval]:
    for begin, end, offset in _stretches(zone, from_at, until_at):
        first, last = max(begin, _moment(shown_from, offset)), min(end, _moment(shown_until, offset))
        if first < last:
            yield first, last


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time in ascending intervals that do not touch."""
    merged: list[Interval] = []
    for begin, end in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _without(intervals: Iterable[Interval], dark: Sequence[Interval]) -> Iterator[Interval]:
    """What is left of the intervals; the dark ones ascending and apart."""
    for begin, end in intervals:
        place = bisect_right(dark, begin, key=itemgetter(1))
        while place < len(dark) and dark[place][0] < end:
            if begin < dark[place][0]:
                yield begin, dark[place][0]
            begin = dark[place][1]
            place += 1
        if begin < end:
            yield begin, end
