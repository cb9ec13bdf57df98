"""A window is open exactly when the clock on the wall says so, in every zone and on every day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backstay.config.values import moment as local
from backstay.domain.estate import Blackout, Link, Weekday, Window
from backstay.planning.calendar.calendars import Calendar
from backstay.planning.calendar.windows import is_open, link_steps, next_opening, occurrences, open_intervals

VIENNA = ZoneInfo("Europe/Vienna")
NIGHT = Window("night", "22:00", "06:00")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

clocks = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
days = st.lists(st.sampled_from(WEEKDAYS), unique=True, max_size=7).map(tuple)
windows = (
    st.tuples(clocks, clocks, days).filter(lambda it: it[0] != it[1]).map(lambda it: Window("w", *it[:2], days=it[2]))
)
moments = st.datetimes(datetime(1975, 1, 2), datetime(2037, 12, 1)).map(  # noqa: DTZ001 - it gets its zone at once
    lambda at: at.replace(tzinfo=UTC, second=0, microsecond=0)
)
zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
daily_blackouts = (
    st.tuples(clocks, clocks, days)
    .filter(lambda it: it[0] != it[1])
    .map(lambda it: Blackout("dark", f"{it[0]}-{it[1]}", it[2]))
)
single_blackouts = st.tuples(moments, st.integers(1, 5000)).map(
    lambda it: Blackout("dark", begin=it[0].replace(tzinfo=None), end=it[0].replace(tzinfo=None) + it[1] * MINUTE)
)


def utc(written: str) -> datetime:
    return local(written).replace(tzinfo=UTC)


def shows_within(window: Window, shown: datetime) -> bool:
    """The definition: the clock shows a time between opening and closing, of a day on which it opens."""
    clock = f"{shown:%H:%M}"
    today, yesterday = (not window.days or WEEKDAYS[day.weekday()] in window.days for day in (shown, shown - DAY))
    if window.open < window.close:
        return today and window.open <= clock < window.close
    return (today and clock >= window.open) or (yesterday and clock < window.close)


def is_dark(blackout: Blackout, shown: datetime) -> bool:
    if blackout.hours:
        begin, end = blackout.hours.split("-")
        return shows_within(Window("dark", begin, end, days=blackout.days), shown)
    assert blackout.begin
    assert blackout.end
    return blackout.begin <= shown < blackout.end


@st.composite
def times_near_changes(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    """A zone, and the day before one of its changes of clocks where it has one that year."""
    zone, at = draw(zones), draw(moments)
    for day in range(366):
        begin = at + day * DAY
        if begin.astimezone(zone).utcoffset() != (begin + DAY).astimezone(zone).utcoffset():
            return zone, begin - timedelta(minutes=draw(st.integers(0, 1440)))
    return zone, at


@settings(max_examples=500)
@given(windows, st.lists(daily_blackouts | single_blackouts, max_size=2), times_near_changes())
def test_the_open_intervals_are_exactly_the_minutes_that_the_clock_shows(
    window: Window, blackouts: list[Blackout], when: tuple[ZoneInfo, datetime]
) -> None:
    zone, begin = when
    end = begin + 3 * DAY
    opened = open_intervals(window, blackouts, zone, begin, end)
    edges = [moment for interval in opened for moment in interval]
    assert edges == sorted(set(edges)), "disjoint, ascending, and not touching"
    at = begin
    while at < end:
        shown = at.astimezone(zone).replace(tzinfo=None)
        expected = shows_within(window, shown) and not any(is_dark(blackout, shown) for blackout in blackouts)
        assert any(since <= at < until for since, until in opened) == expected, at
        assert is_open(window, blackouts, zone, at) == expected, at
        at += 13 * MINUTE
    for edge in edges:
        around = [moment.astimezone(zone).replace(tzinfo=None) for moment in (edge - timedelta(seconds=1), edge)]
        inside = [shows_within(window, one) and not any(is_dark(dark, one) for dark in blackouts) for one in around]
        assert edge in (begin, end) or inside[0] != inside[1], edge


@settings(max_examples=80)
@given(windows, st.lists(daily_blackouts, max_size=1), times_near_changes())
def test_nights_are_the_open_intervals_whole_and_each_has_its_own_day(
    window: Window, blackouts: list[Blackout], when: tuple[ZoneInfo, datetime]
) -> None:
    zone, begin = when
    nights = occurrences(window, blackouts, zone, begin, begin + 6 * DAY)
    assert len({night.day for night in nights}) == len(nights)
    assert all(night.day <= night.opens_at.astimezone(zone).date() <= night.day + DAY for night in nights)
    parts = [part for night in nights for part in night.intervals]
    inside = open_intervals(window, blackouts, zone, begin + 2 * DAY, begin + 4 * DAY)
    assert all(any(since <= opens and closes <= until for since, until in parts) for opens, closes in inside)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Vienna", "2026-03-28", 7),
        ("Europe/Vienna", "2026-10-24", 9),
        ("Europe/Vienna", "2028-02-28", 8),
        ("America/New_York", "2026-03-07", 7),
        ("Australia/Lord_Howe", "2026-10-03", 7.5),
        ("UTC", "2026-03-28", 8),
        ("Asia/Kathmandu", "2026-03-28", 8),
    ],
)
def test_a_night_lasts_as_long_as_the_clocks_make_it(zone: str, day: str, hours: float) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone))
    (night,) = occurrences(NIGHT, (), ZoneInfo(zone), noon, noon + DAY)
    assert night.day == date.fromisoformat(day)
    assert night.closes_at - night.opens_at == hours * HOUR


def test_time_that_is_left_out_is_no_part_of_a_window() -> None:
    window = Window("w", "02:15", "02:45")
    opened = open_intervals(window, (), VIENNA, utc("2026-03-28 12:00"), utc("2026-03-30 12:00"))
    assert opened == ((utc("2026-03-30 00:15"), utc("2026-03-30 00:45")),)


def test_time_that_comes_twice_is_two_parts_of_one_night() -> None:
    window = Window("w", "01:30", "02:30")
    (night,) = occurrences(window, (), VIENNA, utc("2026-10-24 12:00"), utc("2026-10-25 12:00"))
    assert night.intervals == (
        (utc("2026-10-24 23:30"), utc("2026-10-25 00:30")),
        (utc("2026-10-25 01:00"), utc("2026-10-25 01:30")),
    )


def test_a_window_opens_on_its_days_and_ends_on_the_next() -> None:
    window = Window("w", "22:00", "06:00", days=("sat",))
    nights = occurrences(window, (), VIENNA, utc("2026-06-01 00:00"), utc("2026-06-15 00:00"))
    assert [night.day for night in nights] == [date(2026, 6, 6), date(2026, 6, 13)]
    assert nights[0].closes_at == utc("2026-06-07 04:00")


def test_a_blackout_parts_a_night_and_takes_whole_ones_away() -> None:
    lunch = Blackout("lunch", "00:00-01:00")
    xmas = Blackout("xmas", begin=local("2026-12-24 18:00"), end=local("2026-12-26 04:00"))
    nights = occurrences(NIGHT, (lunch, xmas), VIENNA, utc("2026-12-23 12:00"), utc("2026-12-27 12:00"))
    assert [night.day.day for night in nights] == [23, 25, 26]
    assert nights[0].intervals == (
        (utc("2026-12-23 21:00"), utc("2026-12-23 23:00")),
        (utc("2026-12-24 00:00"), utc("2026-12-24 05:00")),
    )
    assert nights[1].intervals == ((utc("2026-12-26 03:00"), utc("2026-12-26 05:00")),)


def test_the_next_opening_is_now_if_it_is_open_and_none_if_it_never_opens() -> None:
    assert next_opening(NIGHT, (), VIENNA, utc("2026-06-01 23:00")) == utc("2026-06-01 23:00")
    assert next_opening(NIGHT, (), VIENNA, utc("2026-06-01 12:00")) == utc("2026-06-01 20:00")
    leap = Window("w", "02:15", "02:45", days=("sun",))
    assert next_opening(leap, (), VIENNA, utc("2026-03-28 12:00")) == utc("2026-04-05 00:15")
    forever = Blackout("dark", begin=local("2026-01-01 00:00"), end=local("2036-01-01 00:00"))
    assert next_opening(NIGHT, (forever,), VIENNA, utc("2026-06-01 12:00")) is None
    assert next_opening(None, (), VIENNA, utc("2026-06-01 12:00")) == utc("2026-06-01 12:00")


@settings(max_examples=80)
@given(st.lists(clocks, min_size=2, max_size=6, unique=True).map(sorted), times_near_changes())
def test_a_link_carries_at_any_moment_what_the_clock_says(times: list[str], when: tuple[ZoneInfo, datetime]) -> None:
    zone, begin = when
    hours = {f"{a}-{b}": place * 1000 for place, (a, b) in enumerate(pairwise(times))}
    link = Link("wan", 7, hours, ("vault",))
    steps = link_steps(link, zone, begin, begin + 3 * DAY)
    assert steps[0][0] == 0.0
    assert all(before[0] < after[0] and before[1] != after[1] for before, after in pairwise(steps))
    for minute in range(0, 3 * 1440, 17):
        shown = f"{(begin + minute * MINUTE).astimezone(zone):%H:%M}"
        expected = next((rate for part, rate in hours.items() if part[:5] <= shown < part[6:]), 7)
        assert [rate for at, rate in steps if at <= minute * 60][-1] == expected


def test_a_link_may_be_closed_over_midnight() -> None:
    link = Link("wan", 100, {"22:00-06:00": 0}, ("vault",))
    assert link_steps(link, VIENNA, utc("2026-06-01 21:00"), utc("2026-06-02 21:00")) == (
        (0.0, 0.0),
        (7 * 3600.0, 100.0),
        (23 * 3600.0, 0.0),
    )


@settings(max_examples=50)
@given(
    st.none() | windows,
    st.lists(daily_blackouts | single_blackouts, max_size=2),
    zones,
    st.lists(moments, min_size=2, max_size=4),
)
def test_what_a_calendar_answers_does_not_depend_on_what_it_was_asked_before(
    window: Window | None, blackouts: list[Blackout], zone: ZoneInfo, asked: list[datetime]
) -> None:
    used = Calendar(window, blackouts, zone)
    for at in asked:
        new = Calendar(window, blackouts, zone)
        assert used.next_open(at) == new.next_open(at)
        opened = next_opening(window, blackouts, zone, at)
        assert new.next_open(at) == opened or opened is None
        if window is not None:
            assert used.night_of(at) == new.night_of(at)
        if not used.is_open(at):
            closes = [interval[1] for interval in (used.last_closed(at), new.last_closed(at)) if interval]
            assert closes[:1] == closes[1:]
