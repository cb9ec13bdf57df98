"""Backups give way on a link: what the round trips say is what they leave."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest

from backstay.planning.live.yielding import LEAST_PART, Yielding, yielded

TICK_S = 0.1
BASE_S = 0.02


@dataclass
class SharedLink:
    """A link with a queue: what is offered beyond its rate waits, 0.25 s at most; round trips see the queue."""

    rng: random.Random
    queue_s: float = 0.0

    def round_trip(self, ours: float, production: float) -> float:
        self.queue_s = min(0.25, max(0.0, self.queue_s + (ours + production - 1.0) * TICK_S))
        return (BASE_S + self.queue_s) * self.rng.lognormvariate(0, 0.05)


def lived(production: list[float], seed: int = 0, share: float = 0.9) -> tuple[list[float], list[float]]:
    """Our part and the round trip at each tick, beside a production that wants these parts of the link."""
    link, state = SharedLink(random.Random(seed)), Yielding()
    parts, trips = [], []
    for wanted in production:
        ours = 0.0 if state.base_s == float("inf") else share * state.part
        trip = link.round_trip(ours, wanted)
        state = yielded(state, trip)
        parts.append(state.part)
        trips.append(trip)
    return parts, trips


def test_a_quiet_link_is_filled() -> None:
    parts, trips = lived([0.0] * 300)
    assert min(parts) == 1.0
    assert sorted(trips)[int(len(trips) * 0.99)] < 1.5 * BASE_S


@pytest.mark.parametrize("wanted", [0.3, 0.5, 0.8, 0.9])
def test_production_that_comes_has_the_link_within_two_seconds(wanted: float) -> None:
    for seed in range(20):
        parts, _ = lived([0.0] * 100 + [wanted] * 300, seed)
        yielded_at = next(tick for tick in range(100, 400) if 0.9 * parts[tick] + wanted <= 1.0)
        assert yielded_at - 100 <= 20, f"seed {seed}: {yielded_at - 100} ticks"


@pytest.mark.parametrize("wanted", [0.3, 0.5])
def test_production_that_stays_keeps_its_round_trips(wanted: float) -> None:
    for seed in range(20):
        _, trips = lived([0.0] * 100 + [wanted] * 300, seed)
        after = sorted(trips[120:])
        assert after[int(len(after) * 0.95)] < 1.5 * BASE_S, f"seed {seed}"


def test_what_production_leaves_is_used() -> None:
    parts, _ = lived([0.0] * 50 + [0.5] * 600)
    used = [0.9 * part for part in parts[250:]]
    assert sum(used) / len(used) > 0.3


def test_when_production_has_gone_the_link_is_filled_again_within_ten_seconds() -> None:
    parts, _ = lived([0.0] * 50 + [0.8] * 200 + [0.0] * 300)
    back = next(tick for tick in range(250, 550) if parts[tick] > 0.75)
    assert back - 250 <= 100


def test_a_way_that_does_not_answer_is_left_to_production() -> None:
    state = Yielding(base_s=BASE_S)
    for _ in range(40):
        state = yielded(state, None)
    assert state.part == LEAST_PART


def test_a_production_busy_from_the_start_is_seen_by_the_ceiling_that_was_asked_for() -> None:
    without, asked = Yielding(), Yielding(ceiling_s=0.03)
    for _ in range(60):
        without, asked = yielded(without, 0.08), yielded(asked, 0.08)
    assert without.part == 1.0
    assert asked.part < 0.5


def test_one_long_round_trip_is_no_trouble() -> None:
    state = Yielding(base_s=BASE_S)
    for trip in [BASE_S, BASE_S, 0.5, BASE_S, BASE_S, BASE_S]:
        state = yielded(state, trip)
    assert state == replace(state, part=1.0)


def test_it_is_tense_for_two_seconds_after_production_slowed() -> None:
    state = Yielding()
    for trip in [BASE_S] * 10:
        state = yielded(state, trip)
        assert not state.tense
    for trip in [3 * BASE_S] * 2:
        state = yielded(state, trip)
    assert state.tense
    quiet = 0
    while state.tense:
        state, quiet = yielded(state, BASE_S), quiet + 1
    assert 20 <= quiet <= 23


def test_where_connections_take_turns_what_is_not_used_says_what_production_left() -> None:
    """Their queue is short then, and says little while the link is full."""
    rng, state, wanted = random.Random(7), Yielding(), [0.0] * 50 + [0.5] * 100 + [0.0] * 150
    parts = []
    for production in wanted:
        full = state.part + production > 1.0
        queue_s = rng.uniform(0, 0.003 if state.tense else 0.02) if full else 0.0
        state = yielded(state, 0.001 + queue_s, min(1.0, (1.0 - production) / state.part))
        parts.append(state.part)
    assert parts[49] == 1.0
    assert max(parts[60:150]) <= 0.6
    assert sum(parts[60:150]) / 90 > 0.4
    assert next(tick for tick in range(150, 300) if parts[tick] == 1.0) - 150 <= 60


def test_a_job_that_has_nothing_to_send_is_no_sign_of_production() -> None:
    state = Yielding(base_s=BASE_S)
    for _ in range(50):
        state = yielded(state, BASE_S, 0.1)
    assert state.part == 1.0
