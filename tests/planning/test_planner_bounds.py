"""The bound is one: nothing beats it, and where it can be reached the planner reaches it."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from random import Random

import pytest
from bench.exact import proven_least

from backstay.planning.night.bounds import bound
from backstay.planning.night.figures import figures_of
from backstay.planning.night.model import Bound, Demand, Night, Resource
from backstay.planning.night.portfolio import plan_night
from planning.nights import CLOSE, mixed_night


def a_night(*demands: Demand, **resources: Resource) -> Night:
    return Night(demands, resources)


def jobs(*volumes: float, own: float = inf, **more: object) -> tuple[Demand, ...]:
    return tuple(Demand(f"j{at}", volume, own, resources=("x",), **more) for at, volume in enumerate(volumes))  # type: ignore[arg-type] # passed on by name


LINK = Resource("x", "link", 10.0)
HOST = Resource("x", "host", 10.0, slots=2)
POOL = Resource("x", "pool", slots=1)
NIGHT = ((0.0, 100.0), (200.0, 300.0))


@pytest.mark.parametrize(
    ("night", "physics", "knee", "binding"),
    [
        (a_night(), 0, 0, "path"),
        (a_night(*jobs(100, 300), x=LINK), 40, 40, "x"),
        (a_night(*jobs(100, 300, own=5), x=LINK), 60, 60, "path"),
        # What begins late, or prepares first, moves late.
        (a_night(*jobs(100, 300, release_s=7), x=LINK), 47, 47, "x"),
        (a_night(*jobs(100, 300, prep_s=7), x=LINK), 47, 47, "x"),
        # An early small one does not hide that the large one is late.
        (a_night(Demand("j", 10.0, resources=("x",)), *jobs(300, 300, release_s=50)[1:], x=LINK), 80, 80, "x"),
        (a_night(*jobs(100, 300), x=replace(LINK, steps=((10.0, 2.0),))), 160, 160, "x"),
        (a_night(*jobs(100, 300), x=replace(LINK, steps=((10.0, 0.0), (50.0, 30.0)))), 60, 60, "x"),
        # Slots cost what jobs alone cannot use.
        (a_night(*jobs(50, 50, 50, 50, own=1), x=HOST), 50, 100, "x"),
        (a_night(*jobs(50, 50, 50, own=1), x=HOST), 50, 100, "x"),
        (a_night(*jobs(50, 50, own=1), x=POOL), 50, 100, "x"),
        # One after another, whatever they share.
        (a_night(Demand("a", 50.0, 1.0), Demand("b", 30.0, 1.0, after=("a",))), 80, 80, "path"),
        # One that must stop at the close of its interval, and needs longer than what is left of the first.
        (a_night(*jobs(90, own=1, release_s=20, open=NIGHT, stop=True), x=LINK), 290, 290, "x"),
        # All must stop at the close: between the intervals the link is of no use.
        (a_night(*jobs(90, 90, own=1, open=NIGHT, stop=True), x=replace(LINK, capacity=1.0)), 280, 280, "x"),
        (a_night(*jobs(90, 90, own=1, open=NIGHT), x=replace(LINK, capacity=1.0)), 180, 180, "x"),
    ],
)
def test_the_bound_is_the_least_that_bytes_slots_and_chains_allow(
    night: Night, physics: float, knee: float, binding: str
) -> None:
    found = bound(night)
    assert found.physics_s == pytest.approx(physics)
    assert found.knee_s == pytest.approx(knee)
    if found.parts["path"] < found.knee_s or binding == "path":
        assert found.binding == binding


def test_what_no_interval_has_room_for_is_not_counted() -> None:
    short = jobs(200, own=1, open=((0.0, 100.0),), stop=True)
    after = Demand("later", 10.0, 1.0, after=("j0",))
    assert bound(a_night(*short, after, x=LINK)) == Bound(0.0, 0.0, "path", {"path": 0.0})


def test_what_runs_already_is_not_told_to_wait_for_its_interval() -> None:
    night = a_night(*jobs(30, own=1, open=((200.0, 300.0),)), x=LINK)
    assert bound(night).knee_s == 230
    assert bound(night, frozenset({"j0"})).knee_s == 30


def slots_only(seed: int) -> Night:
    """Twelve jobs at full speed on hosts with few slots, some after others: what an exact solver can prove."""
    dice = Random(seed)
    resources = {f"h{at}": Resource(f"h{at}", "host", slots=dice.choice([1, 2, 3])) for at in range(3)}
    demands = [
        Demand(f"j{at:02}", float(dice.randint(5, 60)), 1.0, resources=(f"h{dice.randrange(3)}",)) for at in range(12)
    ]
    for at in dice.sample(range(1, 12), 3):
        demands[at] = replace(demands[at], after=(demands[dice.randrange(at)].key,))
    return Night(tuple(demands), resources)


def test_an_exact_solver_proves_no_less_than_the_bound_and_the_planner_comes_close_to_it() -> None:
    ratios = []
    for seed in range(12):
        night = slots_only(seed)
        proven, status = proven_least(figures_of(night), limit_s=5.0)
        assert status == "optimal"
        tick = 60 / 2_000 * 13
        plan = plan_night(night)
        assert plan.bound.knee_s <= proven + tick
        assert proven <= plan.makespan_s * (1 + CLOSE)
        ratios.append(plan.makespan_s / proven)
    assert sum(ratios) / len(ratios) < 1.02
    assert sum(1 for ratio in ratios if ratio > 1.02) <= 1


@pytest.mark.parametrize(("count", "seeds", "physics", "knee"), [(50, 10, 1.10, 1.05), (500, 3, 1.15, 1.07)])
def test_plans_of_mixed_estates_come_close_to_both_bounds(count: int, seeds: int, physics: float, knee: float) -> None:
    plans = [plan_night(mixed_night(count, seed)) for seed in range(seeds)]
    assert sum(plan.makespan_s / plan.bound.physics_s for plan in plans) / seeds <= physics
    assert sum(plan.makespan_s / plan.bound.knee_s for plan in plans) / seeds <= knee
    assert sum(len(plan.late) for plan in plans) <= 0.02 * count / 5 * seeds
