from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.planning.live.attribution import Part, RunSample, attributed, attributed_night, limit_in

MB = 1e6


@pytest.mark.parametrize(
    ("sample", "part"),
    [
        (RunSample(9.8 * MB, link=10 * MB, target=50 * MB), "link"),
        (RunSample(9.8 * MB, link=50 * MB, target=10 * MB), "target"),
        (RunSample(9.8 * MB, source=10 * MB, link=50 * MB), "source"),
        (RunSample(3 * MB, link=10 * MB, engine=0.97), "engine"),
        (RunSample(3 * MB, link=10 * MB, engine=0.2, io_stalled=0.8), "source"),
        (RunSample(0.0, waiting=True, io_stalled=0.9), "slots"),
        (RunSample(3 * MB, link=10 * MB, engine=0.2), "nothing"),
        (RunSample(3 * MB), "nothing"),
    ],
)
def test_a_second_is_bound_by_what_was_seen_at_its_limit(sample: RunSample, part: Part) -> None:
    assert limit_in(sample) == part


def test_a_used_up_grant_comes_before_a_busy_engine() -> None:
    """At full grant a faster engine moves nothing more."""
    assert limit_in(RunSample(9.9 * MB, link=10 * MB, engine=1.0, io_stalled=1.0)) == "link"


def test_a_run_says_what_bound_it_and_what_would_help() -> None:
    target = RunSample(10 * MB, target=10 * MB)
    told = attributed([target] * 7 + [RunSample(0, waiting=True)] * 3)
    assert told.shares == {"target": 0.7, "slots": 0.3}
    assert told.binding == "target"
    assert told.sentence == (
        "Bound by target for 70% of the time (target 70%, slots 30%). Faster storage at the target would shorten it."
    )


def test_where_parts_take_turns_none_is_blamed() -> None:
    parts = [RunSample(1, link=1), RunSample(1, target=1), RunSample(0, waiting=True)]
    told = attributed(parts)
    assert told.binding is None
    assert "moves the limit to the next" in told.sentence


def test_a_night_counts_every_second_of_every_run_once() -> None:
    told = attributed_night([[RunSample(1, link=1)] * 9, [RunSample(1, target=1)]])
    assert told.binding == "link"
    assert told.seconds == 10


def test_without_measurements_nothing_is_claimed() -> None:
    assert attributed([]).binding is None
    assert attributed([]).sentence == "Nothing was measured."


rates = st.floats(0, 100) | st.just(inf)
samples = st.builds(RunSample, st.floats(0, 100), rates, rates, rates, st.floats(0, 2), st.floats(0, 1), st.booleans())


@given(st.lists(samples, min_size=1))
def test_faster_storage_is_advised_only_where_the_target_binds(measured: list[RunSample]) -> None:
    told = attributed(measured)
    assert sum(told.shares.values()) == pytest.approx(1)
    assert ("storage" in told.sentence) == (told.binding == "target")
    at_target = [one for one in measured if not one.waiting and one.moved >= 0.9 * one.target]
    assert told.binding != "target" or len(at_target) >= len(measured) / 2
