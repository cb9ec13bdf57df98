"""Expensive work is spread over nights, and never past the night when it is due."""

from __future__ import annotations

import random
from datetime import date, timedelta
from itertools import pairwise
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from backstay.planning.calendar.chores import Cadence, ChoreRun, chores_of
from backstay.planning.calendar.spreading import Chore, balance, spread

TARGET = "target:vault"
FIRST = date(2026, 3, 1)
NIGHTS = 10

chores = st.lists(st.tuples(st.floats(0, 1000), st.integers(-2, NIGHTS + 2), st.integers(0, NIGHTS)), max_size=30).map(
    lambda its: [Chore(f"c{place}", TARGET, load, due - early, due) for place, (load, due, early) in enumerate(its)]
)
planned = st.lists(st.floats(0, 1000) | st.just(inf), min_size=NIGHTS, max_size=NIGHTS)


@given(chores, planned)
def test_every_chore_has_its_night_and_none_is_put_off(its: list[Chore], loads: list[float]) -> None:
    placed = spread(its, {TARGET: loads})
    assert placed.nights.keys() == {chore.key for chore in its if chore.due < NIGHTS}
    for chore in its:
        if chore.due < NIGHTS:
            assert max(0, min(chore.first, chore.due)) <= placed.nights[chore.key] <= max(0, chore.due)


@given(chores, planned)
def test_a_closed_night_gets_work_only_where_no_other_is_left(its: list[Chore], loads: list[float]) -> None:
    nights = spread(its, {TARGET: loads}).nights
    for chore in its:
        night = nights.get(chore.key)
        if night is not None and loads[night] == inf:
            assert night == max(0, chore.due)
            assert all(loads[other] == inf for other in range(max(0, chore.first), night))


@given(chores, planned, st.randoms(use_true_random=False))
def test_the_order_of_chores_does_not_matter(its: list[Chore], loads: list[float], dice: random.Random) -> None:
    mixed = its.copy()
    dice.shuffle(mixed)
    assert spread(mixed, {TARGET: loads}) == spread(its, {TARGET: loads})


@given(chores, planned)
def test_loads_are_what_was_planned_and_what_was_placed(its: list[Chore], loads: list[float]) -> None:
    placed = spread(its, {TARGET: loads})
    for night, load in enumerate(placed.loads[TARGET]):
        own = sum(chore.load for chore in its if placed.nights.get(chore.key) == night)
        assert load == inf or abs(load - loads[night] - own) < 1e-6 * (1 + load)


def test_a_hill_becomes_a_plain() -> None:
    its = [Chore(f"c{place}", TARGET, 60.0, 0, NIGHTS - 1) for place in range(100)]
    placed = spread(its, {TARGET: [0.0] * NIGHTS})
    assert placed.balance[TARGET] == 1.0


def test_the_night_with_the_most_room_is_taken_and_of_equals_the_last() -> None:
    loads = [500.0, 100.0, 100.0, 500.0]
    assert spread([Chore("a", TARGET, 60.0, 0, 3)], {TARGET: loads}).nights == {"a": 2}
    assert spread([Chore("a", TARGET, 60.0, 0, 1)], {TARGET: loads}).nights == {"a": 1}
    assert spread([Chore("a", TARGET, 60.0, 3, 3)], {TARGET: loads}).nights == {"a": 3}


def test_balance_is_the_most_over_the_mean_of_open_nights() -> None:
    assert balance([1.0, 1.0, 4.0, inf]) == 2.0
    assert balance([0.0, 0.0]) == 1.0


def test_what_is_owed_weekly_is_done_weekly_and_evenly() -> None:
    cadences = {f"w{place:03}": [Cadence("verify", timedelta(days=7), 60.0, TARGET)] for place in range(700)}
    runs, evenness = chores_of(cadences, {TARGET: [3600.0] * 28}, FIRST, 28)
    assert evenness[TARGET] <= 1.02
    for name in cadences:
        days = [(run.day - FIRST).days for run in runs if run.workload == name]
        assert days[0] < 7
        assert all(after - before in (6, 7) for before, after in pairwise(days))
        assert days[-1] >= 28 - 7


def test_what_was_all_done_on_one_day_is_spread_within_one_cadence() -> None:
    last = FIRST - timedelta(days=1)
    cadences = {f"w{place:03}": [Cadence("drill", timedelta(days=28), 300.0, TARGET, last)] for place in range(280)}
    runs, _ = chores_of(cadences, {}, FIRST, 56)
    by_day = [sum(1 for run in runs if run.day == FIRST + timedelta(days=day)) for day in range(56)]
    assert max(by_day[:28]) == 35, "over the eight nights on which it may be done"
    assert max(by_day[28:]) < 35
    assert not any(by_day[:20])


def test_what_is_overdue_is_done_on_the_first_day() -> None:
    overdue = {"w": [Cadence("drill", timedelta(days=7), 300.0, TARGET, FIRST - timedelta(days=30))]}
    assert chores_of(overdue, {}, FIRST, 3)[0] == (ChoreRun(FIRST, "w", "drill"),)
