"""Minutes of the week: what a part of the day covers, and how long one waits for another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.config.weeks import ALL, minutes, wait

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
times = st.tuples(st.integers(0, 23), st.integers(0, 59))
day_lists = st.lists(st.sampled_from(DAYS), unique=True, max_size=7)


def is_within(minute: int, begin: int, end: int, days: list[str]) -> bool:
    """By the definition: the part of the day that holds this minute began today, or yesterday over midnight."""
    day, clock = divmod(minute, 1440)
    today, yesterday = (not days or DAYS[place % 7] in days for place in (day, day - 1))
    if begin < end:
        return today and begin <= clock < end
    return (today and clock >= begin) or (yesterday and clock < end)


@given(times, times, day_lists)
def test_a_part_of_the_day_has_the_minutes_that_its_clock_shows(
    opens: tuple[int, int], closes: tuple[int, int], days: list[str]
) -> None:
    begin, end = (hour * 60 + minute for hour, minute in (opens, closes))
    if begin != end:
        covered = minutes(f"{opens[0]:02}:{opens[1]:02}-{closes[0]:02}:{closes[1]:02}", days)
        expected = sum(1 << minute for minute in range(7 * 1440) if is_within(minute, begin, end, days))
        assert covered == expected


@pytest.mark.parametrize("written", ["night", "22:00", None, ["22:00-06:00"], "06:00-06:00"])
def test_what_is_not_a_part_of_the_day_covers_nothing(written: object) -> None:
    assert minutes(written) == 0


@pytest.mark.parametrize(
    ("before", "after", "waited"),
    [
        (minutes("22:00-06:00"), minutes("05:00-07:00"), 0),
        (minutes("02:00-04:00"), minutes("22:00-23:00"), 18 * 60 + 1),
        (minutes("08:00-20:00", ["mon"]), minutes("08:00-20:00", ["sat"]), 4 * 1440 + 12 * 60 + 1),
        (minutes("08:00-20:00", ["sat"]), minutes("08:00-20:00", ["mon"]), 1440 + 12 * 60 + 1),
        (ALL, minutes("22:00-23:00"), 0),
    ],
)
def test_the_wait_is_from_the_last_minute_of_one_to_the_first_of_the_other(
    before: int, after: int, waited: int
) -> None:
    assert wait(before, after) == waited
