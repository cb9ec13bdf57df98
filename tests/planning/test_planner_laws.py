"""What every plan of a night keeps, whatever the night."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backstay.planning.night.bettering import played
from backstay.planning.night.bounds import bound
from backstay.planning.night.figures import figures_of
from backstay.planning.night.model import ALWAYS, Demand, Night, Resource
from backstay.planning.night.orders import Order, simple
from backstay.planning.night.outcome import losses
from backstay.planning.night.portfolio import ALL_ORDERS, plan_night
from planning.nights import CLOSE, faults, odd_nights, pressed_nights, rate_at, with_some_running


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


# --- what a looser policy keeps ---


@st.composite
def later(draw: st.DrawFn, night: Night) -> Night:
    """The same with deadlines that are later or gone, each by itself."""
    factors = st.sampled_from([1.0, 1.0, 1.5, 4.0, inf])
    return replace(
        night, demands=tuple(replace(one, deadline_s=one.deadline_s * draw(factors)) for one in night.demands)
    )


def lost(night: Night, variant: tuple[Order, float]) -> tuple[int, int]:
    """How many have no place, and how many are late, if the night is played like that."""
    figures = figures_of(night)
    return losses(figures, played(figures, *variant))[:2]


def lost_by_plan(night: Night) -> tuple[int, int]:
    plan = plan_night(night)
    return len(plan.unplaced), len(plan.late)


@given(odd_nights(most=ALL_ORDERS), st.data())
@settings(max_examples=60)
def test_a_later_deadline_never_breaks_a_promise_more_in_a_small_night(night: Night, data: st.DataObject) -> None:
    assert len(plan_night(data.draw(later(night))).late) <= len(plan_night(night).late)


@given(odd_nights(most=12), st.data())
def test_played_in_one_order_a_night_with_later_deadlines_goes_the_same(night: Night, data: st.DataObject) -> None:
    figures = figures_of(night)
    for order, theta in simple(figures):
        ends, others = (
            [job.end for job in played(one, order, theta)] for one in (figures, figures_of(data.draw(later(night))))
        )
        assert ends == others


@given(odd_nights(most=12), st.data())
@settings(max_examples=60)
def test_later_deadlines_lose_no_more_than_a_plan_that_was_blind_to_them(night: Night, data: st.DataObject) -> None:
    blind, *_ = simple(figures_of(night))
    assert lost_by_plan(data.draw(later(night))) <= lost(night, blind)


@given(odd_nights(most=12), st.sampled_from([1.25, 2.0, 8.0]))
@settings(max_examples=60)
def test_deadlines_later_by_one_factor_lose_no_more_than_the_earliest_first_did(night: Night, factor: float) -> None:
    looser = replace(night, demands=tuple(replace(one, deadline_s=one.deadline_s * factor) for one in night.demands))
    _, earliest, _ = simple(figures_of(night))
    assert lost_by_plan(looser) <= lost(night, earliest)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(2, 30)), min_size=1, max_size=14), st.data())
def test_on_one_slot_a_later_deadline_never_breaks_a_promise_more(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    pool = Resource("pool", "pool", slots=1)
    demands = [
        Demand(f"j{at:02}", float(volume), 1.0, prep_s=1.0, deadline_s=float(deadline), resources=("pool",))
        for at, (volume, deadline) in enumerate(pairs)
    ]
    night = Night(tuple(demands), {"pool": pool})
    assert len(plan_night(data.draw(later(night))).late) <= len(plan_night(night).late)


@pytest.mark.parametrize(("count", "seeds"), [(30, 12), (200, 3)])
def test_over_many_nights_a_looser_policy_loses_fewer_promises(count: int, seeds: int) -> None:
    before = after = worse = 0
    for seed in range(seeds):
        tight, loose = pressed_nights(count, seed)
        less, more = len(plan_night(loose).late), len(plan_night(tight).late)
        before, after, worse = before + more, after + less, worse + (less > more)
    assert after < before
    # Not never: the orders that are tried follow the deadlines.
    assert worse <= seeds / 10
