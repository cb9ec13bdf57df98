"""A line of time on which nothing comes twice, whatever is done to the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from backstay.planning.calendar.timeline import Timeline, advanced, begun

START = datetime(2026, 1, 1, tzinfo=UTC)
spans = st.timedeltas(timedelta(0), timedelta(days=400))
steps = st.lists(st.tuples(spans, spans, st.timedeltas(timedelta(days=-400), timedelta(days=400))), max_size=8)


def line_of(events: list[tuple[timedelta, timedelta, timedelta]]) -> list[Timeline]:
    """Each event: so long awake, so long asleep, and the clock set by so much."""

    def after(line: Timeline, event: tuple[timedelta, timedelta, timedelta]) -> Timeline:
        awake, asleep, wrong = event
        return advanced(line, line.wall + awake + asleep + wrong, line.elapsed + awake.total_seconds())

    return list(accumulate(events, after, initial=begun(START, 7.0)))


@given(steps)
def test_the_line_goes_on_and_never_slower_than_the_clock_that_nobody_sets(
    events: list[tuple[timedelta, timedelta, timedelta]],
) -> None:
    for before, after in pairwise(line_of(events)):
        awake = timedelta(seconds=after.elapsed - before.elapsed)
        assert after.at >= before.at
        assert after.at - before.at >= awake - timedelta(seconds=1)
        assert after.put_back >= before.put_back


@given(st.lists(st.tuples(spans, spans, st.just(timedelta(0))), max_size=8))
def test_while_nobody_sets_the_clock_the_line_is_the_clock(
    events: list[tuple[timedelta, timedelta, timedelta]],
) -> None:
    assert all(line.put_back == timedelta(0) for line in line_of(events))


def test_a_clock_that_is_put_back_is_told_by_the_other() -> None:
    line = advanced(begun(START, 0.0), START - timedelta(days=1) + timedelta(hours=1), 3600.0)
    assert line.at == START + timedelta(hours=1)
    assert line.put_back == timedelta(days=1)


def test_reading_two_clocks_a_little_apart_is_no_clock_put_back() -> None:
    line = begun(START, 0.0)
    for second in range(1, 1000):
        line = advanced(line, START + timedelta(seconds=second), second + 0.4 * (second % 2))
    assert line.put_back == timedelta(0)
