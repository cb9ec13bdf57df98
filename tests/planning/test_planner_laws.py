"""What every plan of a night keeps, whatever the night."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from backstay.planning.night.bounds import bound
from backstay.planning.night.model import ALWAYS, Night
from backstay.planning.night.portfolio import ALL_ORDERS, plan_night
from planning.nights import CLOSE, faults, odd_nights, rate_at, with_some_running


@given(odd_nights())
@settings(max_examples=300)
def test_no_plan_breaks_a_limit_an_interval_or_an_order(night: Night) -> None:
    assert faults(night, plan_night(night)) == []


@given(with_some_running())
@settings(max_examples=200)
def test_those_that_run_keep_their_slots_and_the_others_keep_the_limits(pair: tuple[Night, frozenset[str]]) -> None:
    night, running = pair
    plan = plan_night(night, running)
    assert faults(night, plan, running) == []
    stoppable = {demand.key for demand in night.demands if demand.stop}
    assert running & {*plan.unplaced} <= stoppable
    assert plan.bound.knee_s <= plan.makespan_s * (1 + CLOSE)


@given(odd_nights())
@settings(max_examples=200)
def test_no_plan_ends_before_its_bound(night: Night) -> None:
    plan = plan_night(night)
    assert plan.bound.physics_s <= plan.bound.knee_s
    assert plan.bound.knee_s <= plan.makespan_s * (1 + CLOSE)
    if not plan.unplaced:
        assert plan.bound == bound(night)


@given(odd_nights())
def test_what_a_plan_says_of_itself_is_what_its_placements_show(night: Night) -> None:
    plan = plan_night(night)
    ends = {one.key: one.end_s for one in plan.placements}
    promised = {demand.key: demand.deadline_s for demand in night.demands if demand.deadline_s < inf}
    assert set(plan.late) == {key for key, deadline in promised.items() if ends.get(key, inf) > deadline}
    assert plan.makespan_s == max(ends.values(), default=0.0)
    moments = [one.start_s for one in plan.placements if one.end_s > one.start_s]
    at_once = [sum(1 for one in plan.placements if one.start_s <= now < one.end_s) for now in moments]
    assert plan.peak == max(at_once, default=0)


@given(odd_nights(), st.randoms(use_true_random=False))
def test_the_same_night_in_another_order_has_the_same_plan(night: Night, dice: Random) -> None:
    demands, keys = list(night.demands), list(night.resources)
    dice.shuffle(demands)
    dice.shuffle(keys)
    assert plan_night(Night(tuple(demands), {key: night.resources[key] for key in keys})) == plan_night(night)


@given(odd_nights(most=14))
def test_nobody_starves_who_may_run_at_any_time(night: Night) -> None:
    always = replace(night, demands=tuple(replace(one, open=ALWAYS, stop=False) for one in night.demands))
    assert plan_night(always).unplaced == ()


@given(odd_nights())
@settings(max_examples=200)
def test_who_is_unplaced_fits_nowhere_alone_or_waits_or_shares_with_others(night: Night) -> None:
    plan = plan_night(night)
    for demand in (one for one in night.demands if one.key in plan.unplaced):
        alone = plan_night(replace(night, demands=(replace(demand, after=()),)))
        others = [one for one in night.demands if one.key not in (*plan.unplaced, demand.key)]
        shares = any({*one.resources} & {*demand.resources} for one in others)
        assert alone.unplaced or demand.after or shares


@given(odd_nights())
@settings(max_examples=200)
def test_while_one_waits_for_rate_nobody_has_more_than_its_share(night: Night) -> None:
    plan = plan_night(night)
    demands = {demand.key: demand for demand in night.demands}
    shared = {key: one for key, one in night.resources.items() if one.share < 1 and one.slots == inf}
    for waiting in plan.placements:
        resource = shared.get(waiting.held_by or "")
        if resource is None or any(r != resource.key for r in demands[waiting.key].resources):
            continue
        # Just before it started it still waited for that resource, and for nothing else.
        moment = waiting.start_s - CLOSE
        if moment < demands[waiting.key].release_s or demands[waiting.key].open != ALWAYS or demands[waiting.key].after:
            continue
        most = resource.share * resource.capacity_at(moment)
        for one in plan.placements:
            if resource.key in demands[one.key].resources and not demands[one.key].stop:
                assert rate_at(one, moment) <= most * (1 + CLOSE)


@given(odd_nights(most=ALL_ORDERS), st.data())
@settings(max_examples=60)
def test_a_later_deadline_never_breaks_a_promise_more_in_a_small_night(night: Night, data: st.DataObject) -> None:
    later = tuple(
        replace(one, deadline_s=one.deadline_s * data.draw(st.sampled_from([1.0, 1.0, 1.5, 4.0, inf])))
        for one in night.demands
    )
    assert len(plan_night(replace(night, demands=later)).late) <= len(plan_night(night).late)
