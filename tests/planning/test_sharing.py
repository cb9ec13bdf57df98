from __future__ import annotations

import random
import time
from dataclasses import replace
from itertools import accumulate
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.planning.live.sharing import (
    HEADROOM,
    LEAST,
    PROBE,
    Flow,
    demand_of,
    fair_rates,
    held_at,
    in_order,
    with_what_is_left,
)
from backstay.planning.patterns.filling import filled

MB = 1e6
NAMES = ("a", "b", "c", "d")

capacity_maps = st.fixed_dictionaries({name: st.floats(0.1, 1000) for name in NAMES})


@st.composite
def flow_maps(draw: st.DrawFn, *, least: bool = True) -> dict[str, Flow]:
    count = draw(st.integers(1, 10))
    flows = {}
    for number in range(count):
        uses = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
        lowest = draw(st.sampled_from([0.0, 0.0, 5.0, 400.0])) if least else 0.0
        most, weight = draw(st.floats(0.1, 1000) | st.just(inf)), draw(st.floats(0.05, 20))
        flows[f"job{number}"] = Flow(tuple(uses), most, weight, lowest)
    return flows


def load(flows: dict[str, Flow], rates: dict[str, float], name: str) -> float:
    return sum(rates[key] for key, flow in flows.items() if name in flow.resources)


@given(flow_maps(), capacity_maps)
def test_no_capacity_and_no_most_is_exceeded_and_everybody_gets_something(
    flows: dict[str, Flow], capacities: dict[str, float]
) -> None:
    rates = fair_rates(flows, capacities)
    assert rates.keys() == flows.keys()
    for key, rate in rates.items():
        assert 0 < rate <= flows[key].most * (1 + 1e-9)
    for name, capacity in capacities.items():
        assert load(flows, rates, name) <= capacity * (1 + 1e-9)


@given(flow_maps(), capacity_maps)
def test_nobody_can_have_more_unless_one_with_less_per_weight_has_less(
    flows: dict[str, Flow], capacities: dict[str, float]
) -> None:
    rates = fair_rates(flows, capacities)
    for key, flow in flows.items():
        if rates[key] >= flow.most * (1 - 1e-9):
            continue
        full = [name for name in flow.resources if load(flows, rates, name) >= capacities[name] * (1 - 1e-9)]
        assert full, f"{key} could simply have more"
        level = rates[key] / flow.weight
        # On one full resource, whoever has more per weight than it has no more than its least.
        assert any(
            all(
                rates[other] / flows[other].weight <= level * (1 + 1e-6) or rates[other] <= flows[other].least
                for other in flows
                if name in flows[other].resources
            )
            for name in full
        ), f"{key} could have some of what others have more of"


@given(flow_maps(), capacity_maps)
def test_what_is_left_goes_to_somebody_and_takes_nothing_from_anybody(
    flows: dict[str, Flow], capacities: dict[str, float]
) -> None:
    fair, rates = fair_rates(flows, capacities), with_what_is_left(flows, capacities)
    for key, flow in flows.items():
        assert rates[key] >= fair[key]
        assert any(load(flows, rates, name) >= capacities[name] * (1 - 1e-6) for name in flow.resources)
    for name, capacity in capacities.items():
        assert load(flows, rates, name) <= capacity * (1 + 1e-9)


@given(flow_maps(), capacity_maps, st.randoms())
def test_the_order_of_flows_does_not_matter(
    flows: dict[str, Flow], capacities: dict[str, float], shuffled: random.Random
) -> None:
    keys = list(flows)
    shuffled.shuffle(keys)
    assert fair_rates({key: flows[key] for key in keys}, capacities) == fair_rates(flows, capacities)


@given(flow_maps(), capacity_maps)
def test_what_it_surely_gets_is_kept_wherever_all_of_it_fits_into_nine_tenths(
    flows: dict[str, Flow], capacities: dict[str, float]
) -> None:
    rates = fair_rates(flows, capacities)
    asked = {key: min(flow.least, flow.most) for key, flow in flows.items()}
    for key, flow in flows.items():
        if all(load(flows, asked, name) <= 0.9 * capacities[name] for name in flow.resources):
            assert rates[key] >= asked[key] * (1 - 1e-9)


@pytest.mark.parametrize(
    ("flows", "expected"),
    [
        ({"x": Flow(("link",)), "y": Flow(("link",))}, {"x": 50, "y": 50}),
        ({"x": Flow(("link",), weight=3), "y": Flow(("link",))}, {"x": 75, "y": 25}),
        ({"x": Flow(("link",), most=10), "y": Flow(("link",))}, {"x": 10, "y": 90}),
        ({"x": Flow(("link",), weight=99), "y": Flow(("link",), least=20)}, {"x": 80, "y": 20}),
        ({"x": Flow(("link", "host")), "y": Flow(("link",))}, {"x": 30, "y": 70}),
        ({"x": Flow(("link",), least=100), "y": Flow(("link",), least=300)}, {"x": 22.5 + 10, "y": 67.5}),
        ({"x": Flow(())}, {"x": inf}),
    ],
)
def test_shares_of_a_link_of_100_and_a_host_of_30(flows: dict[str, Flow], expected: dict[str, float]) -> None:
    assert fair_rates(flows, {"link": 100.0, "host": 30.0}) == pytest.approx(expected)


@given(flow_maps(least=False), capacity_maps)
def test_many_flows_at_once_get_what_each_gets_one_by_one(flows: dict[str, Flow], capacities: dict[str, float]) -> None:
    places = {name: place for place, name in enumerate(NAMES)}
    rows = [[places[name] for name in flow.resources] for flow in flows.values()]
    members = np.array([row + [len(NAMES)] * (3 - len(row)) for row in rows], dtype=np.intp)
    most = np.array([flow.most for flow in flows.values()])
    rates = filled(members, most, np.array([*(capacities[name] for name in NAMES), inf]))
    alike = {key: replace(flow, weight=1.0) for key, flow in flows.items()}
    assert rates.tolist() == pytest.approx(list(fair_rates(alike, capacities).values()), rel=1e-6)


@given(flow_maps(), flow_maps(), capacity_maps)
def test_rates_applied_in_order_never_exceed_a_capacity_in_between(
    before: dict[str, Flow], after: dict[str, Flow], capacities: dict[str, float]
) -> None:
    """What has ended has let go before; what stays holds its old rate until its turn comes."""
    old, new = fair_rates(before, capacities), fair_rates(after, capacities)
    # A job that goes on goes on over the same resources.
    kept = {key: rate for key, rate in old.items() if key in after and before[key].resources == after[key].resources}
    now = {key: kept.get(key, 0.0) for key in after}
    for key, rate in in_order(kept, new):
        now[key] = rate
        for name, capacity in capacities.items():
            assert load(after, now, name) <= capacity * (1 + 1e-9)
    assert now == new


def test_what_stays_the_same_is_not_set_again() -> None:
    assert in_order({"x": 5.0, "y": 9.0, "z": 1.0}, {"x": 5.0, "y": 2.0, "z": 8.0}) == [("y", 2.0), ("z", 8.0)]


def test_a_job_that_takes_little_is_lent_out_and_has_all_again_when_it_uses_it_up() -> None:
    link = {"wan": 10 * MB}
    flows = {"slow": Flow(("wan",)), "fast": Flow(("wan",))}
    assert fair_rates(flows, link)["fast"] == 5 * MB
    cap = demand_of([1 * MB] * 5, [5 * MB] * 5)
    assert cap == HEADROOM * MB + PROBE
    lent = fair_rates(flows | {"slow": Flow(("wan",), cap)}, link)
    assert lent["fast"] == 10 * MB - cap
    assert demand_of([cap] * 5, [cap] * 5, cap) == inf


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_a_short_lull_changes_nothing(looks: int) -> None:
    assert demand_of([0.0] * looks, [5 * MB] * looks, 3 * MB) == 3 * MB


def test_a_job_that_stands_still_keeps_enough_to_show_that_it_moves_again() -> None:
    assert demand_of([0.0] * 9, [5 * MB] * 9) == LEAST
    assert demand_of([0.9 * LEAST] * 9, [LEAST] * 9, LEAST) == inf


def test_what_nobody_wants_is_for_whoever_may_want_it_after_all() -> None:
    link = {"wan": 10 * MB, "here": inf}
    opening, moving = Flow(("wan", "here"), LEAST, least=LEAST), Flow(("wan", "here"), least=LEAST)
    assert with_what_is_left({"a": opening}, link) == {"a": 10 * MB}
    assert with_what_is_left({"a": opening, "b": opening}, link) == {"a": 5 * MB, "b": 5 * MB}
    assert with_what_is_left({"a": opening, "b": moving}, link) == {"a": LEAST, "b": 10 * MB - LEAST}
    assert with_what_is_left({"a": Flow(("here",), LEAST)}, link) == {"a": inf}


def test_a_flow_is_held_where_it_is_full_and_nobody_has_more() -> None:
    capacities = {"link": 100.0, "host": 30.0}
    flows = {"x": Flow(("link", "host")), "y": Flow(("link",)), "z": Flow(("link",), most=5)}
    assert held_at(flows, fair_rates(flows, capacities), capacities) == {"x": "host", "y": "link", "z": None}


def test_32_flows_are_shared_within_a_millisecond() -> None:
    flows = {
        f"job{number:02}": Flow((f"host{number % 8}", f"link{number % 2}", "vault"), 10.0 + number, 1 + number % 3, 0.5)
        for number in range(32)
    }
    capacities = {**{f"host{number}": 60.0 for number in range(8)}, "link0": 200.0, "link1": 150.0, "vault": 300.0}
    took = []
    for _ in range(50):
        begin = time.thread_time()
        fair_rates(flows, capacities)
        took.append(time.thread_time() - begin)
    assert min(took) < 0.001


@given(st.lists(st.floats(0, 100), min_size=1))
def test_only_the_last_three_looks_are_judged(earlier: list[float]) -> None:
    granted = list(accumulate([1.0] * (len(earlier) + 3)))
    assert demand_of([*earlier, *granted[-3:]], granted) == inf
