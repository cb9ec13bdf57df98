from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.planning.live.kneeguard import Allowed, Sample, State, limit_for, step

PRODUCTION = range(600, 700)
"""Seconds in which production takes its part of the plant."""

FULL = 200.0
QUIET_PROBE_S = 0.0016


@dataclass(frozen=True)
class Plant:
    """Something with a knee: past it each stream costs throughput, and production waits behind what is too much."""

    knee: int
    loss: float
    noise: float

    def carries(self, streams: int, second: int) -> float:
        """Bytes per second without noise; production leaves a good half."""
        left = 0.52 if second in PRODUCTION else 1.0
        return min(streams * FULL / self.knee, FULL * left / (1 + self.loss * max(0, streams - self.knee)))

    def sample(self, streams: int, second: int, dice: random.Random) -> Sample:
        busy = second in PRODUCTION
        queued = max(0.0, streams - self.knee * (0.52 if busy else 1.0))
        probe_s = QUIET_PROBE_S * (1 + 0.35 * queued + (0.36 if busy else 0.0))
        noise = [max(0.3, dice.lognormvariate(0, self.noise)) for _ in range(2)]
        return Sample(streams, self.carries(streams, second) * noise[0], probe_s * noise[1])


@dataclass(frozen=True)
class Life:
    """How a guard fared: its limit in each second, and what it moved before production came, as a part of the best."""

    limits: list[int]
    efficiency: float

    def converged_s(self, knee: int) -> int | None:
        return self._first(range(PRODUCTION.start), lambda limit: limit >= 0.75 * knee)

    def backed_off_s(self, knee: int) -> int | None:
        """Seconds until it has no more than a little over the knee that production leaves."""
        return self._first(PRODUCTION, lambda limit: limit <= 1.3 * max(1.0, 0.52 * knee) + 1)

    def recovered_s(self, knee: int) -> int | None:
        return self._first(range(PRODUCTION.stop, len(self.limits) - 5), lambda limit: limit >= 0.75 * knee)

    def _first(self, seconds: range, holds: Callable[[int], bool]) -> int | None:
        there = (at for at in seconds if all(map(holds, self.limits[at : at + 5])))
        found = next(there, None)
        return None if found is None else found - seconds.start


def life(plant: Plant, seed: int) -> Life:
    dice, limits, carried, state = random.Random(seed), list[int](), list[float](), State()
    for second in range(900):
        limits.append(state.limit)
        carried.append(plant.carries(state.limit, second))
        state = step(state, plant.sample(state.limit, second, dice))
    return Life(limits, fmean(carried[60 : PRODUCTION.start]) / FULL)


QUIET_PLANTS = [Plant(4, 0.15, 0.05), Plant(12, 0.05, 0.05), Plant(32, 0.01, 0.05)]
NOISY_PLANTS = [Plant(4, 0.15, 0.25), Plant(12, 0.05, 0.25), Plant(32, 0.01, 0.25)]
SEEDS = range(20)


@pytest.mark.parametrize(("plant", "converges_s"), list(zip(QUIET_PLANTS, (0, 20, 40), strict=True)))
def test_it_finds_the_knee_gives_way_within_three_seconds_and_comes_back(plant: Plant, converges_s: int) -> None:
    for lived in (life(plant, seed) for seed in SEEDS):
        converged, backed_off, recovered = (
            measure(plant.knee) for measure in (lived.converged_s, lived.backed_off_s, lived.recovered_s)
        )
        assert lived.efficiency >= 0.93
        assert converged is not None
        assert converged <= converges_s
        assert backed_off is not None
        assert backed_off <= 3
        assert recovered is not None
        assert recovered <= 15


@pytest.mark.parametrize(("plant", "efficiency"), list(zip(NOISY_PLANTS, (0.90, 0.88, 0.84), strict=True)))
def test_noise_costs_little_and_never_keeps_it_from_giving_way(plant: Plant, efficiency: float) -> None:
    lives = [life(plant, seed) for seed in SEEDS]
    assert fmean(lived.efficiency for lived in lives) >= efficiency
    backed_off = [lived.backed_off_s(plant.knee) for lived in lives]
    assert max(99 if seconds is None else seconds for seconds in backed_off) <= 4


def test_it_comes_down_soon_from_a_start_above_the_knee() -> None:
    """A disk of one stream: more bring nothing, and its probe is not measured. One hold is sixty seconds."""
    state = State()
    for second in range(36):
        state = step(state, Sample(state.limit, 300.0 + second % 2))
    assert state.limit == 1


def test_production_that_is_busy_from_the_start_is_seen_by_its_ceiling() -> None:
    """Relative to its own first seconds nothing is slow; against what a person said it is."""
    learns, told = State(), State(ceiling_s=0.005)
    for _ in range(20):
        learns, told = (step(state, Sample(state.limit, 100.0, 0.006)) for state in (learns, told))
    assert told.limit == 1
    assert learns.limit > told.limit
    assert "production" in told.why


def test_a_limit_that_nobody_uses_is_not_raised() -> None:
    state = State(limit=3)
    for _ in range(200):
        state = step(state, Sample(2, 1000.0, 0.002))
    assert state.limit == 3


def test_a_limit_never_exceeds_what_a_person_set() -> None:
    state, highest = State(most=7), 0
    for _ in range(300):
        state = step(state, Sample(state.limit, 100.0 * state.limit, 0.002))
        highest = max(highest, state.limit)
    assert highest == 7


HALVED = State(
    limit=2, resume=4, why="production is 2.4 times as slow as when it is quiet: halved to 2 streams", most=8
)


def test_what_is_owed_goes_before_what_production_took_and_says_so() -> None:
    allowed = limit_for(HALVED, 2, 1, "host nas1")
    assert allowed.streams == 3
    assert allowed.broken is not None
    assert allowed.broken.startswith("host nas1: 3 streams and not 2 (production is 2.4 times as slow")
    assert allowed.broken.endswith("or 1 job would miss its RPO")


@pytest.mark.parametrize(
    ("state", "running", "urgent"),
    [
        pytest.param(HALVED, 2, 0, id="nothing is urgent"),
        pytest.param(HALVED, 1, 1, id="there is room for it"),
        pytest.param(HALVED, 4, 3, id="more run than it carries already"),
        pytest.param(State(limit=2), 2, 5, id="it was found by throughput: more would move no more"),
    ],
)
def test_a_learned_limit_holds_where_breaking_it_would_save_no_rpo(state: State, running: int, urgent: int) -> None:
    assert limit_for(state, running, urgent, "host nas1") == Allowed(2)


def test_however_much_is_owed_no_more_run_than_were_carried_before_production_came() -> None:
    allowed = limit_for(HALVED, 1, 28, "host nas1")
    assert allowed.streams == 4
    assert str(allowed.broken).endswith("or 2 jobs would miss their RPO")


samples = st.builds(
    Sample, st.integers(0, 70), st.floats(0, 1e9), st.none() | st.floats(1e-6, 10, allow_subnormal=False)
)


@given(st.lists(samples, max_size=150), st.integers(1, 64))
def test_whatever_is_measured_there_is_at_least_one_stream_and_a_reason(measured: list[Sample], most: int) -> None:
    state = State(limit=min(3, most), most=most)
    for sample in measured:
        state = step(state, sample)
        assert 1 <= state.limit <= most
        assert state.why


@given(st.lists(samples, min_size=1, max_size=100))
def test_hard_trouble_never_raises_a_limit(measured: list[Sample]) -> None:
    state = State()
    for sample in measured:
        after = step(state, sample)
        if after.strain > 2.0:
            assert after.limit <= state.limit
        state = after


@given(st.lists(samples, max_size=100), st.integers(0, 70), st.integers(0, 70), st.integers(1, 64))
def test_whatever_is_owed_the_limit_of_a_person_is_kept(
    measured: list[Sample], running: int, urgent: int, most: int
) -> None:
    state = State(limit=min(3, most), most=most)
    for sample in measured:
        state = step(state, sample)
    allowed = limit_for(state, running, urgent, "host nas1")
    assert state.limit <= allowed.streams <= most
    assert (allowed.broken is not None) == (allowed.streams > state.limit)
