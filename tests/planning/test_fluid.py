from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backstay.planning.live.sharing import fair_rates
from backstay.planning.night.model import ALWAYS, Demand, Night, Placement, Resource, Schedule
from backstay.planning.patterns.admission import capacities_at, flows_of, may_start
from backstay.planning.patterns.fluid import Fluid, simulated
from backstay.planning.patterns.known import ALL_AT_ONCE, PARALLEL, SERIAL, STATIC, hybrid
from backstay.planning.patterns.rules import Rules
from planning.shared_nights import NO_BOUND, nights, rules_for

LINK = {"link": Resource("link", "link", 100.0)}


def lived(*demands: Demand, rules: Rules = PARALLEL, **resources: Resource) -> Schedule:
    return simulated(Night(demands, LINK | resources), rules, NO_BOUND)


def times(schedule: Schedule) -> dict[str, tuple[float, float]]:
    return {each.key: (round(each.start_s, 6), round(each.end_s, 6)) for each in schedule.placements}


def steps(placement: Placement) -> list[tuple[float, float]]:
    return [(since, round(rate, 6)) for since, rate in placement.rates]


def moved(placement: Placement) -> float:
    ends = [*(since for since, _ in placement.rates[1:]), placement.end_s]
    return sum(rate * (end - since) for (since, rate), end in zip(placement.rates, ends, strict=True))


@given(st.data())
def test_at_no_moment_is_a_slot_or_a_rate_exceeded(data: st.DataObject) -> None:
    night = data.draw(nights())
    rules = data.draw(rules_for(night))
    demands = {demand.key: demand for demand in night.demands}
    fluid = Fluid(night, rules)
    while fluid.advance():
        rates = fluid.rates()
        assert rates.keys() <= fluid.running
        for key, rate in rates.items():
            assert rate <= demands[key].own_rate * (1 + 1e-9)
        for name, each in night.resources.items():
            users = [key for key in fluid.running if name in demands[key].resources]
            assert not rules.limits or len(users) <= each.slots
            assert sum(rates.get(key, 0.0) for key in users) <= each.capacity_at(fluid.at_s) * (1 + 1e-6)


@given(st.data())
def test_every_placement_keeps_what_was_asked(data: st.DataObject) -> None:
    """Volume, release, order, intervals and prep; and whatever never ends is named."""
    night = data.draw(nights())
    schedule = simulated(night, data.draw(rules_for(night)), NO_BOUND)
    placed = {each.key: each for each in schedule.placements}
    assert placed.keys() | set(schedule.unplaced) == {demand.key for demand in night.demands}
    assert not placed.keys() & set(schedule.unplaced)
    assert schedule.makespan_s == max((each.end_s for each in placed.values()), default=0.0)
    for demand in night.demands:
        if demand.key not in placed:
            assert demand.open != ALWAYS or any(before in schedule.unplaced for before in demand.after)
            continue
        there = placed[demand.key]
        assert there.start_s >= demand.release_s
        assert all(placed[before].end_s <= there.start_s + 1e-9 for before in demand.after)
        assert any(since <= there.start_s < until for since, until in demand.open)
        assert moved(there) == pytest.approx(demand.volume, rel=1e-6, abs=1e-3)
        assert there.end_s >= there.start_s + demand.prep_s - 1e-9
        assert there.rates[0][0] == there.start_s
        assert all(before < after for (before, _), (after, _) in pairwise(there.rates))
        assert (there.end_s > demand.deadline_s + 1e-6) == (demand.key in schedule.late)


@given(st.data())
def test_a_job_that_must_stop_moves_nothing_outside_its_intervals(data: st.DataObject) -> None:
    night = data.draw(nights())
    schedule = simulated(night, data.draw(rules_for(night)), NO_BOUND)
    stopping = {demand.key: demand for demand in night.demands if demand.stop}
    for there in schedule.placements:
        ends = [*(since for since, _ in there.rates[1:]), there.end_s]
        for (since, rate), end in zip(there.rates, ends, strict=True) if there.key in stopping else ():
            inside = any(a <= since and end <= b + 1e-6 for a, b in stopping[there.key].open)
            assert inside or rate == 0


@given(st.data())
def test_the_simulator_starts_what_the_executor_would_start(data: st.DataObject) -> None:
    """At every moment the stateless decision about the same jobs finds nothing that it left out."""
    night = data.draw(nights())
    rules = data.draw(rules_for(night))
    # With reservations a job may find more left once those behind it are known not to fit.
    assume(not rules.start_share)
    fluid = Fluid(night, rules)
    while fluid.advance():
        assert may_start(rules, fluid.waiting(), fluid.running, night, at_s=fluid.at_s) == []


@given(st.data())
def test_the_simulator_shares_as_the_executor_would(data: st.DataObject) -> None:
    night = data.draw(nights())
    night = Night(night.demands, {key: replace(each, loss=0.0) for key, each in night.resources.items()})
    rules = data.draw(rules_for(night))
    fluid = Fluid(night, rules)
    while fluid.advance():
        rates = fluid.rates()
        flows = {key: replace(flow, least=0.0) for key, flow in flows_of(rules, rates, night, at_s=fluid.at_s).items()}
        assert rates == pytest.approx(fair_rates(flows, capacities_at(night, fluid.at_s)), rel=1e-6)


@given(st.data())
def test_a_night_without_windows_always_ends(data: st.DataObject) -> None:
    """No deadlock under any rules, whatever jobs hold and wait for."""
    night = data.draw(nights(windows=False))
    schedule = simulated(night, data.draw(rules_for(night)), NO_BOUND)
    assert not schedule.unplaced
    assert schedule.peak <= len(night.demands)


def test_two_jobs_share_a_link_and_the_rest_has_all_of_it() -> None:
    schedule = lived(Demand("short", 500, resources=("link",)), Demand("long", 1500, resources=("link",)))
    assert times(schedule) == {"short": (0, 10), "long": (0, 20)}
    assert steps(schedule.placements[1]) == [(0, 50), (10, 100)]
    assert schedule.peak == 2


def test_a_job_prepares_while_it_holds_its_slot_and_nothing_moves() -> None:
    one = Resource("host", "host", 100.0, 1)
    demands = (Demand("a", 100, prep_s=5, resources=("host",)), Demand("b", 100, prep_s=5, resources=("host",)))
    schedule = lived(*demands, host=one)
    assert times(schedule) == {"a": (0, 6), "b": (6, 12)}
    assert steps(schedule.placements[0]) == [(0, 0), (5, 100)]
    assert schedule.placements[1].held_by == "host"


def test_streams_beyond_the_knee_destroy_capacity() -> None:
    disk = Resource("disk", "host", 100.0, 1, loss=0.5)
    demands = tuple(Demand(key, 100, resources=("disk",)) for key in "ab")
    assert lived(*demands, rules=ALL_AT_ONCE, disk=disk).makespan_s == pytest.approx(3.0)
    assert lived(*demands, rules=PARALLEL, disk=disk).makespan_s == pytest.approx(2.0)


def test_rates_follow_the_capacity_of_the_hour() -> None:
    wan = Resource("wan", "link", 100.0, steps=((10.0, 20.0), (20.0, 100.0)))
    schedule = lived(Demand("a", 1300, resources=("wan",)), wan=wan)
    assert steps(schedule.placements[0]) == [(0, 100), (10, 20), (20, 100)]
    assert schedule.makespan_s == pytest.approx(21.0)


@pytest.mark.parametrize("rules", [SERIAL, PARALLEL, STATIC, ALL_AT_ONCE])
def test_a_link_that_is_closed_at_first_is_waited_for(rules: Rules) -> None:
    closed = {"link": Resource("link", "link", 0.0, steps=((60.0, 100.0),))}
    night = Night((Demand("a", 500.0, resources=("link",), open=((0.0, 200.0),), stop=True),), closed)
    (placement,) = simulated(night, rules, NO_BOUND).placements
    assert placement.end_s >= 65.0


def test_what_must_stop_goes_on_in_the_next_interval_with_what_is_left() -> None:
    open_twice = ((0.0, 10.0), (100.0, 110.0))
    schedule = lived(Demand("a", 1500, resources=("link",), open=open_twice, stop=True))
    assert steps(schedule.placements[0]) == [(0, 100), (10, 0), (100, 100)]
    assert times(schedule) == {"a": (0, 105)}


def test_what_must_stop_does_not_begin_where_it_cannot_end() -> None:
    intervals = ((0.0, 10.0), (100.0, 200.0))
    schedule = lived(Demand("a", 1500, resources=("link",), open=intervals, stop=True))
    assert times(schedule) == {"a": (100, 115)}
    assert schedule.placements[0].held_by == "window"


def test_what_may_finish_runs_over_and_what_begins_too_late_is_named() -> None:
    slot = Resource("host", "host", 100.0, 1)
    night = tuple(Demand(key, 1500, resources=("host",), open=((0.0, 10.0),)) for key in "ab")
    schedule = lived(*night, Demand("c", 1, after=("b",)), host=slot)
    assert times(schedule) == {"a": (0, 15)}
    assert schedule.unplaced == ("b", "c")


def test_who_waited_for_another_says_so() -> None:
    schedule = lived(Demand("a", 500, resources=("link",)), Demand("b", 1, resources=("link",), after=("a",)))
    assert schedule.placements[1].held_by == "a"


def test_a_thousand_jobs_are_lived_through_under_five_patterns_in_seconds() -> None:
    """A figure that would creep: a decision or a rate that looks at every job again for each job."""
    resources = {
        **{f"host{n}": Resource(f"host{n}", "host", 100e6 + n * 1e6, 1 + n % 3, loss=0.1) for n in range(200)},
        **{f"link{n}": Resource(f"link{n}", "link", 500e6) for n in range(4)},
        **{f"vault{n}": Resource(f"vault{n}", "target", 900e6, 20, loss=0.01) for n in range(2)},
    }
    demands = tuple(
        Demand(
            f"job{n}",
            1e9 * (1 + n * 7919 % 40),
            90e6,
            5.0,
            resources=(f"host{n % 200}", f"link{n % 4}", f"vault{n % 2}"),
            kind="postgresql" if n % 3 else "files",
        )
        for n in range(1000)
    )
    night = Night(demands, resources)
    begin = time.process_time()
    for rules in (SERIAL, PARALLEL, ALL_AT_ONCE, STATIC, hybrid(night)):
        assert not simulated(night, rules, NO_BOUND).unplaced
    assert time.process_time() - begin < 10


def test_what_was_cut_off_while_it_prepared_does_not_move_afterwards() -> None:
    """No interval is long enough for it, so it begins in each and never comes to move."""
    demand = Demand("a", 100, prep_s=12, resources=("link",), open=((0.0, 10.0), (100.0, 105.0)), stop=True)
    fluid = Fluid(Night((demand,), LINK), PARALLEL)
    while fluid.advance():
        assert not fluid.rates()
    assert fluid.schedule(NO_BOUND).unplaced == ("a",)
