"""The law of the pace, at any pattern of looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backstay.targets.pace import Pace

RATES = st.floats(min_value=20_000, max_value=1e9)
LOOKS = st.lists(st.floats(min_value=0.0, max_value=0.4), min_size=2, max_size=60)


def passed(pace: Pace, looks: list[float], most: int = 10**9) -> list[tuple[float, int]]:
    """Who asks at these distances and takes all it may."""
    now, taken = 0.0, []
    for distance in looks:
        now += distance
        allowed = pace.allowance(now, most)
        pace.took(allowed)
        taken.append((now, allowed))
    return taken


@given(RATES, LOOKS)
def test_never_more_than_the_rate_and_a_twentieth_of_a_second(rate: float, looks: list[float]) -> None:
    taken = passed(Pace(rate, 0.0), looks)
    for first in range(len(taken)):
        moved = 0
        for now, count in taken[first:]:
            moved += count
            assert moved <= rate * (now - taken[first][0]) + rate * 0.05 + 1


@given(RATES)
def test_who_asks_often_gets_the_whole_rate(rate: float) -> None:
    taken = passed(Pace(rate, 0.0), [0.004] * 1000)
    assert sum(count for _, count in taken) > rate * 4.0 * 0.98


@given(RATES, RATES, LOOKS)
def test_a_change_holds_at_once(before: float, after: float, looks: list[float]) -> None:
    pace = Pace(before, 0.0)
    pace.allowance(10.0, 1)
    pace.change(after, 10.0)
    moved, now = 0, 10.0
    for distance in looks:
        now += distance
        moved += (allowed := pace.allowance(now, 10**9))
        pace.took(allowed)
        assert moved <= after * (now - 10.0) + after * 0.05 + 1


def test_without_a_limit_all_passes_and_nothing_is_saved_up_meanwhile() -> None:
    pace = Pace(None, 0.0)
    assert pace.allowance(5.0, 10**6) == 10**6
    pace.change(1000.0, 10.0)
    assert pace.allowance(10.0, 10**6) == 0
    assert 0.0 < pace.wait_s() < 0.05


def test_at_zero_nothing_passes_until_the_rate_is_changed() -> None:
    pace = Pace(0.0, 0.0)
    assert pace.allowance(1e6, 1) == 0
    assert pace.wait_s() == float("inf")
    pace.change(None, 1e6)
    assert pace.allowance(1e6, 1) == 1
