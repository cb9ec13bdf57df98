"""Small nights whose plans can be told by hand."""

from __future__ import annotations

import time
from dataclasses import replace
from math import inf

import pytest

from backstay.planning.advising import advice_for, span
from backstay.planning.night.figures import figures_of
from backstay.planning.night.model import Demand, Night, Placement, Resource, Schedule
from backstay.planning.night.portfolio import order_of_work, plan_night
from backstay.planning.night.reserving import play
from planning.nights import mixed_night, pressed_nights

LINK = Resource("link:wan", "link", 10.0)
VAULT = Resource("target:vault", "target", 20.0)


def planned(
    *demands: Demand, resources: tuple[Resource, ...] = (LINK, VAULT), running: frozenset[str] = frozenset()
) -> Schedule:
    return plan_night(Night(demands, {one.key: one for one in resources}), running)


def by_key(plan: Schedule) -> dict[str, Placement]:
    return {one.key: one for one in plan.placements}


def job(key: str, volume: float, own: float = inf, *uses: str, **more: object) -> Demand:
    return Demand(key, volume, own, resources=uses or ("link:wan",), **more)  # type: ignore[arg-type] # passed on by name


def test_an_empty_night_takes_no_time() -> None:
    plan = planned()
    assert (plan.makespan_s, plan.placements, plan.late, plan.peak) == (0.0, (), (), 0)


def test_one_alone_has_all_that_it_can_use_after_it_has_prepared() -> None:
    (one,) = planned(job("a", 100.0, 8.0, prep_s=5.0)).placements
    assert (one.start_s, one.end_s, one.rates) == (0.0, 17.5, ((0.0, 0.0), (5.0, 8.0)))


def test_what_comes_free_goes_to_the_one_that_runs_short() -> None:
    plan = planned(job("a", 80.0, 8.0), job("b", 80.0, 8.0))
    assert by_key(plan)["b"].rates == ((0.0, 2.0), (10.0, 8.0))


def test_nothing_needs_rates_where_nothing_has_a_capacity() -> None:
    unlimited = Resource("host:h", "host", slots=1)
    plan = planned(job("a", 100.0, inf, "host:h"), job("b", 0.0, inf, "host:h", prep_s=3.0), resources=(unlimited,))
    assert plan.makespan_s == pytest.approx(3.001)
    assert plan.peak == 1


def test_a_job_has_no_more_than_its_share_while_another_waits_and_more_when_alone() -> None:
    link = replace(LINK, share=0.5)
    plan = planned(job("a", 100.0), job("b", 50.0, release_s=2.0), resources=(link,))
    # Alone 10, from the second second on half each; when one has ended, the other has all again.
    assert by_key(plan)["a"].rates == ((0.0, 10.0), (2.0, 5.0), (12.0, 10.0))
    assert by_key(plan)["b"].rates == ((2.0, 5.0),)


def test_a_share_given_up_for_a_slow_one_comes_back_as_far_as_that_one_leaves_it() -> None:
    link = replace(LINK, share=0.5)
    plan = planned(job("a", 100.0), job("b", 4.0, 1.0, release_s=2.0), resources=(link,))
    assert by_key(plan)["a"].rates[1] == (2.0, 9.0)


def test_what_runs_short_of_its_share_gets_it_from_one_that_has_more() -> None:
    wan, lan = replace(LINK, share=0.5), Resource("link:lan", "link", 8.0)
    plan = planned(
        job("a", 100.0, inf, "link:wan", "link:lan"),
        job("b", 30.0, release_s=2.0),
        job("slow", 100.0, 2.0, "link:lan"),
        resources=(wan, lan),
    )
    assert by_key(plan)["b"].rates == ((2.0, 5.0),)
    # It ran short of the other link before it gave way, and has again all that this one leaves.
    assert by_key(plan)["a"].rates == ((0.0, 6.0), (2.0, 5.0), (8.0, 6.0))


def test_shares_leave_nothing_idle_where_nobody_waits() -> None:
    plan = planned(job("a", 90.0), job("b", 90.0), resources=(replace(LINK, share=0.3),))
    assert plan.makespan_s == pytest.approx(18.0)


def test_what_a_share_gave_up_in_vain_is_not_taken_back_while_the_other_still_waits() -> None:
    demands = (job("a", 100.0), job("b", 100.0, 4.2), job("c", 100.0, release_s=2.0))
    figures = figures_of(Night(demands, {LINK.key: replace(LINK, share=0.5)}))
    a, b, c = play(figures, (0, 1, 2), theta=0.25)
    # Too little is left for the third to start with a quarter of its need.
    assert a.rates[:2] == [(0.0, pytest.approx(5.8)), (2.0, 5.0)]
    assert c.start == pytest.approx(min(end for end in (a.end, b.end) if end is not None))


def test_one_that_comes_free_of_another_limit_gets_its_share_from_one_that_has_more() -> None:
    wan, lan = replace(LINK, share=0.5), Resource("link:lan", "link", 6.0)
    plan = planned(
        job("a", 200.0),
        job("b", 60.0, 5.0, "link:wan", "link:lan"),
        job("other", 20.0, 5.0, "link:lan", deadline_s=4.0),
        resources=(wan, lan),
    )
    assert by_key(plan)["a"].rates[:2] == ((0.0, 9.0), (4.0, 5.0))
    assert by_key(plan)["b"].rates == ((0.0, 1.0), (4.0, 5.0))


def test_what_is_promised_to_one_that_prepares_is_not_given_away() -> None:
    plan = planned(job("a", 100.0, prep_s=5.0, deadline_s=15.0), job("b", 200.0, release_s=1.0))
    assert plan.late == ()
    assert by_key(plan)["b"].start_s == pytest.approx(15.0)


def test_rates_come_down_when_a_capacity_does_and_go_up_again() -> None:
    link = replace(LINK, steps=((4.0, 2.0), (14.0, 10.0)))
    plan = planned(job("a", 80.0), resources=(link,))
    assert by_key(plan)["a"].rates == ((0.0, 10.0), (4.0, 2.0), (14.0, 10.0))
    assert plan.makespan_s == pytest.approx(16.0)


def test_rates_go_up_with_a_capacity_that_nobody_ran_short_of() -> None:
    (one,) = planned(job("a", 80.0), resources=(replace(LINK, steps=((4.0, 20.0),)),)).placements
    assert one.rates == ((0.0, 10.0), (4.0, 20.0))


def test_a_link_that_is_shut_for_an_hour_stops_nobody_for_ever() -> None:
    link = replace(LINK, steps=((4.0, 0.0), (14.0, 10.0)))
    plan = planned(job("a", 80.0), job("b", 20.0, release_s=5.0), resources=(link,))
    assert plan.makespan_s == pytest.approx(20.0)


def test_a_job_stands_still_while_two_links_of_its_way_are_shut_at_once() -> None:
    steps = ((4.0, 0.0), (14.0, 10.0))
    lan = Resource("link:lan", "link", 10.0, steps=steps)
    plan = planned(job("a", 80.0, inf, "link:lan", "link:wan"), resources=(replace(LINK, steps=steps), lan))
    assert by_key(plan)["a"].rates == ((0.0, 10.0), (4.0, 0.0), (14.0, 10.0))


def test_with_stop_a_job_that_would_run_over_waits_for_the_next_interval() -> None:
    times = ((0.0, 10.0), (50.0, 60.0))
    plan = planned(job("a", 90.0, release_s=5.0, open=times, stop=True))
    assert by_key(plan)["a"].start_s == 50.0
    assert by_key(plan)["a"].held_by == "window"


def test_with_finish_it_runs_over() -> None:
    plan = planned(job("a", 90.0, release_s=5.0, open=((0.0, 10.0), (50.0, 60.0))))
    assert (by_key(plan)["a"].start_s, by_key(plan)["a"].end_s) == (5.0, 14.0)


def test_what_no_interval_is_long_enough_for_is_unplaced_with_all_that_waits_for_it() -> None:
    plan = planned(
        job("a", 110.0, open=((0.0, 10.0),), stop=True, deadline_s=90.0),
        job("b", 10.0, after=("a",)),
        job("c", 10.0),
    )
    assert plan.unplaced == ("a", "b")
    assert plan.late == ("a",)
    assert plan.makespan_s == pytest.approx(plan.bound.knee_s) == pytest.approx(1.0)


def test_a_job_that_must_end_in_time_keeps_its_rate_when_the_capacity_falls() -> None:
    link = replace(LINK, steps=((5.0, 4.0),))
    must = job("must", 60.0, 4.0, open=((0.0, 15.0),), stop=True)
    plan = planned(must, job("may", 100.0), resources=(link,))
    assert by_key(plan)["must"].end_s <= 15.0
    assert plan.unplaced == ()


def test_a_job_for_which_only_changing_rates_would_do_finds_its_gap() -> None:
    link = replace(LINK, steps=((5.0, 4.0),))
    plan = planned(job("a", 85.0, open=((0.0, 15.0),), stop=True), resources=(link,))
    assert plan.unplaced == ()
    assert by_key(plan)["a"].end_s == pytest.approx(13.75)


def test_a_deadline_goes_before_a_longer_job() -> None:
    host = Resource("host:h", "host", 10.0, slots=1)
    plan = planned(
        job("long", 500.0, inf, "host:h"), job("soon", 50.0, inf, "host:h", deadline_s=6.0), resources=(host,)
    )
    assert plan.late == ()
    assert by_key(plan)["long"].held_by == "host:h"


def test_what_is_late_already_makes_nobody_else_late() -> None:
    host = Resource("host:h", "host", 10.0, slots=1)
    lost = [job(f"lost{at}", 50.0, inf, "host:h", deadline_s=deadline) for at, deadline in enumerate((-9.0, 0.0, 1.0))]
    kept = [job(f"kept{at}", 10.0, inf, "host:h", deadline_s=4.0) for at in range(4)]
    assert planned(*lost, *kept, resources=(host,)).late == ("lost0", "lost1", "lost2")


def test_a_job_is_held_by_the_one_that_it_comes_after() -> None:
    plan = planned(job("a", 50.0), job("b", 10.0, after=("a",)))
    assert by_key(plan)["b"].held_by == "a"
    assert by_key(plan)["a"].held_by is None


def test_members_of_a_group_start_one_behind_the_other() -> None:
    host = Resource("host:h", "host", 10.0, slots=1)
    others = [job(f"j{at}", 100.0 - at, inf, "host:h") for at in range(8)]
    members = [job(key, volume, inf, "host:h", group="crm") for key, volume in (("crm-db", 95.5), ("crm-files", 1.0))]
    plan = planned(*others, *members, resources=(host,))
    order = [one.key for one in sorted(plan.placements, key=lambda one: one.start_s)]
    assert abs(order.index("crm-db") - order.index("crm-files")) == 1


def test_those_that_run_keep_their_slots_where_there_are_fewer_by_now() -> None:
    host = Resource("host:h", "host", 10.0, slots=1)
    plan = planned(
        *(job(key, 50.0, 5.0, "host:h") for key in ("a", "b", "c")), resources=(host,), running=frozenset({"b", "c"})
    )
    assert [by_key(plan)[key].start_s for key in ("b", "c")] == [0.0, 0.0]
    assert by_key(plan)["a"].start_s == pytest.approx(10.0)
    assert plan.makespan_s >= plan.bound.knee_s


def test_one_that_runs_and_cannot_end_before_its_close_is_unplaced() -> None:
    must = job("must", 200.0, open=((0.0, 15.0),), stop=True)
    assert planned(must, running=frozenset({"must"})).unplaced == ("must",)


def test_the_next_prepares_while_one_that_is_about_to_end_still_moves() -> None:
    many = [job(f"j{at:02}", 100.0, prep_s=5.0) for at in range(10)]
    plan = planned(*many)
    assert plan.makespan_s == pytest.approx(plan.bound.knee_s) == pytest.approx(105.0)


# --- advice ---


def test_faster_storage_is_advised_where_it_binds_and_nowhere_else() -> None:
    host = Resource("host:nas1", "host", 100.0, slots=4)
    night = Night(
        tuple(job(f"j{at}", 6000.0, 50.0, "host:nas1", "target:vault") for at in range(4)),
        {"host:nas1": host, "target:vault": VAULT},
    )
    vault, nas = advice_for(night, plan_night(night))
    assert (vault.key, vault.binds) == ("target:vault", True)
    assert vault.by_bound_s == pytest.approx(200.0)
    assert vault.text == "+20 % on target vault shortens the window by 3 min"
    assert (nas.binds, nas.saves_s) == (False, 0.0)
    assert nas.text == "+20 % on host nas1 saves nothing"


def test_slots_of_a_pool_are_advised_where_they_bind() -> None:
    pool = Resource("pool:databases", "pool", slots=2)
    night = Night(tuple(job(f"j{at}", 600.0, 1.0, "pool:databases") for at in range(6)), {"pool:databases": pool})
    (relief,) = advice_for(night, plan_night(night))
    assert relief.text == "3 slots on pool databases shortens the window by 10 min"


def test_where_one_job_takes_all_the_time_no_resource_is_advised() -> None:
    night = Night((job("a", 600.0, 1.0), job("b", 10.0, 1.0)), {LINK.key: LINK})
    path, link = advice_for(night, plan_night(night))
    assert path.text == "the longest chain of jobs takes 10 min by itself: no wider resource makes it shorter"
    assert link.saves_s == 0


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (99.0, "99 s"), (2460.0, "41 min"), (9000.0, "2 h 30 min")]
)
def test_spans_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert span(seconds) == said


# --- time ---


def cpu_of(night: Night) -> float:
    began = time.process_time()
    plan_night(night)
    return time.process_time() - began


def test_five_hundred_jobs_are_planned_in_a_tenth_of_a_second_or_so() -> None:
    night = mixed_night(500, 1)
    # Processor time, but of processors that others use, too: twice the figure.
    assert min(cpu_of(night) for _ in range(3)) < 0.2


def test_the_cost_per_job_is_flat() -> None:
    # Sizes at which the same number of orders is played.
    small, large = (min(cpu_of(mixed_night(count, 0)) for _ in range(2)) / count for count in (5_001, 15_000))
    assert large < 2.5 * small


def test_while_a_night_runs_the_longest_way_to_go_is_first() -> None:
    slow = Resource("host:slow", "host", 5.0, slots=1)
    demands = (
        job("short", 40.0),
        job("s1", 20.0, inf, "link:wan", "host:slow"),
        job("s2", 60.0, inf, "link:wan", "host:slow"),
    )
    night = Night(demands, {one.key: one for one in (LINK, slow)})
    assert order_of_work(night) == ("s2", "s1", "short")


def test_the_plan_has_the_order_only_where_it_keeps_a_promise_more() -> None:
    pressed = [pressed_nights(12, seed)[0] for seed in range(12)]
    like_plan = 0
    for night in pressed:
        plan = plan_night(night)
        starts = {one.key: one.start_s for one in plan.placements}
        keys = order_of_work(night)
        assert keys == order_of_work(night, plan=plan)
        assert sorted(keys) == sorted(starts)
        in_order = [starts[key] for key in keys]
        like_plan += in_order == sorted(in_order)
    assert 0 < like_plan < len(pressed)
    assert order_of_work(Night((), {})) == ()
