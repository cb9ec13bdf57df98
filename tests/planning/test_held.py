"""What runs that were planned earlier leave of a resource."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.planning.held import Held
from backstay.planning.night.model import Resource


def test_nothing_held_leaves_all_of_it_with_its_steps_seen_from_then() -> None:
    link = Resource("link:wan", "link", 10.0, slots=3, steps=((100.0, 4.0), (900.0, 10.0)))
    assert Held(link).left(50.0, 500.0) == (0.0, Resource("link:wan", "link", 10.0, slots=3, steps=((50.0, 4.0),)))


def test_runs_one_after_another_hold_one_slot() -> None:
    held = Held(Resource("host:a", "host", slots=3))
    for begin in (0.0, 10.0, 20.0):
        held.add(begin, begin + 10.0, ())
    free_at, left = held.left(5.0, inf)
    assert (free_at, left.slots) == (0.0, 2)


def test_where_all_slots_are_taken_there_is_one_when_the_first_is_given_back_for_good() -> None:
    held = Held(Resource("host:a", "host", slots=2))
    for begin, end in ((0.0, 30.0), (0.0, 50.0), (40.0, 60.0)):
        held.add(begin, end, ())
    free_at, left = held.left(10.0, inf)
    assert (free_at, left.slots) == (40.0, 1)
    assert held.left(70.0, inf) == (0.0, Resource("host:a", "host", slots=2))


def test_rates_are_held_while_they_are_planned_and_a_hair_is_left_of_what_is_full() -> None:
    held = Held(Resource("link:wan", "link", 10.0, steps=((100.0, 4.0),)))
    held.add(0.0, 120.0, ((0.0, 0.0), (20.0, 10.0), (100.0, 4.0)))
    _, left = held.left(10.0, inf)
    assert [since for since, _ in left.steps] == [10.0, 90.0, 110.0]
    assert [left.capacity, *(rate for _, rate in left.steps)] == pytest.approx([10.0, 1e-5, 4e-6, 4.0])


RUNS = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30), st.integers(0, 5)), max_size=6)


@given(RUNS, st.integers(0, 90))
def test_what_is_left_and_what_is_held_are_the_whole_at_every_moment(
    runs: list[tuple[int, int, int]], now: int
) -> None:
    held = Held(Resource("link:wan", "link", 20.0, slots=9))
    for begin, length, rate in runs:
        held.add(begin, begin + length, ((begin, float(rate)),))
    _, left = held.left(float(now), inf)
    for moment in range(now, 90):
        taken = sum(rate for begin, length, rate in runs if begin <= moment < begin + length)
        assert left.capacity_at(moment - now) == pytest.approx(max(20e-6, 20.0 - taken))
        assert left.slots + sum(begin <= moment < begin + length for begin, length, _ in runs) <= 9
