from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backstay.planning.live.sharing import fair_rates
from backstay.planning.night.model import Demand, Night, Resource, Schedule
from backstay.planning.patterns.admission import capacities_at, flows_of, may_start
from backstay.planning.patterns.known import ALL_AT_ONCE, PARALLEL, PLANNED, SERIAL, STATIC, choose, compared, hybrid
from backstay.planning.patterns.rules import Rules
from planning.shared_nights import NO_BOUND, nights, rules_for

HOSTS = {f"host{number}": Resource(f"host{number}", "host", 100.0, 1) for number in (1, 2, 3)}
WAN = {"wan": Resource("wan", "link", 100.0)}
VAULT = {"vault": Resource("vault", "target", 200.0, 4)}


def night(*demands: Demand, **resources: Resource) -> Night:
    return Night(demands, {**HOSTS, **WAN, **VAULT, **resources})


def job(key: str, *resources: str, kind: str = "files", volume: float = 1000.0, own_rate: float = 50.0) -> Demand:
    return Demand(key, volume, own_rate, resources=resources, kind=kind)


def jobs(count: int, *resources: str, kind: str = "files") -> tuple[Demand, ...]:
    return tuple(job(f"{kind}{number}", *resources, kind=kind) for number in range(count))


def keys(of: Night) -> list[str]:
    return [demand.key for demand in of.demands]


@given(st.data())
def test_no_slot_is_ever_given_twice_and_none_starts_that_did_not_wait(data: st.DataObject) -> None:
    """Started in any number of decisions, with any of the running ended in between."""
    given_night = data.draw(nights(windows=False))
    rules = data.draw(rules_for(given_night))
    demands = {demand.key: demand for demand in given_night.demands}
    waiting, running = list(demands), list[str]()
    while waiting:
        started = may_start(rules, waiting, running, given_night)
        assert set(started) <= set(waiting)
        assert len(set(started)) == len(started)
        # Nothing runs and somebody waits: somebody starts, so nobody waits for ever.
        assert started or running
        running += started
        waiting = [key for key in waiting if key not in started]
        for name, resource in given_night.resources.items() if rules.limits else ():
            assert sum(name in demands[key].resources for key in running) <= resource.slots
        ended = data.draw(st.sets(st.sampled_from(running), min_size=1))
        running = [key for key in running if key not in ended]


@given(st.data())
def test_a_job_that_is_refused_lacks_something_that_others_hold(data: st.DataObject) -> None:
    """Nobody waits without need: with plain limits each refused job names a resource without a slot."""
    given_night = data.draw(nights(windows=False))
    started = may_start(PARALLEL, keys(given_night), [], given_night)
    held = {key: set(demand.resources) for demand in given_night.demands for key in [demand.key]}
    for key in held.keys() - set(started):
        assert any(
            sum(name in held[other] for other in started) >= given_night.resources[name].slots for name in held[key]
        )


@given(st.data())
def test_the_same_moment_decided_again_starts_nothing_more(data: st.DataObject) -> None:
    """A decision is complete: what it left waiting still waits when it is asked again at once."""
    given_night = data.draw(nights(windows=False))
    rules = data.draw(rules_for(given_night))
    # With reservations a job may find more left once those behind it are known not to fit.
    assume(not rules.start_share)
    started = may_start(rules, keys(given_night), [], given_night)
    waiting = [key for key in keys(given_night) if key not in started]
    assert may_start(rules, waiting, started, given_night) == []


def test_serial_takes_one_at_a_time_in_the_order_of_the_file() -> None:
    three = night(job("c", "host1"), job("a", "host2"), job("b", "host3"))
    assert may_start(SERIAL, keys(three), [], three) == ["c"]
    assert may_start(SERIAL, ["a", "b"], ["c"], three) == []
    assert may_start(SERIAL, {"b", "a"}, [], three) == ["a"]


def test_parallel_takes_all_that_its_limits_allow_and_lets_no_one_hold_a_part() -> None:
    """b has no slot on its host, so it must not keep one of the pool's from c."""
    pool = Resource("pool", "pool", slots=2)
    three = night(job("a", "host1", "pool"), job("b", "pool", "host1"), job("c", "host2", "pool"), pool=pool)
    assert may_start(PARALLEL, keys(three), [], three) == ["a", "c"]


def test_all_at_once_heeds_no_limit() -> None:
    ten = night(*jobs(10, "host1", "vault"))
    assert may_start(ALL_AT_ONCE, keys(ten), [], ten) == keys(ten)


def test_static_takes_four_and_no_job_more_than_half_of_link_and_target() -> None:
    ten = night(*(job(f"job{number}", "host1", "wan", own_rate=inf) for number in range(10)))
    started = may_start(STATIC, keys(ten), [], ten)
    assert started == keys(ten)[:4]
    alone = fair_rates(flows_of(STATIC, started[:1], ten), capacities_at(ten, 0.0))
    assert alone == {"job0": 50.0}


def test_hybrid_runs_four_databases_at_each_site_and_files_in_batches() -> None:
    lan = Resource("lan", "link", 500.0)
    at_wan = (*jobs(6, "wan", kind="postgresql"), *jobs(6, "wan"))
    there = night(*at_wan, job("away", "lan", kind="mariadb"), lan=lan)
    rules = hybrid(there)
    started = may_start(rules, keys(there), [], there)
    assert started == [*(f"postgresql{n}" for n in range(4)), *(f"files{n}" for n in range(4)), "away"]
    # A batch waits for its slowest member, databases do not.
    assert may_start(rules, ["postgresql4", "files4"], ["postgresql1", "files3"], there) == ["postgresql4"]
    assert may_start(rules, ["files4", "files5"], [], there) == ["files4", "files5"]


def test_hybrid_keeps_to_the_pools_of_the_estate() -> None:
    databases = Resource("pool:databases", "pool", slots=2)
    there = night(*jobs(3, "wan", "pool:databases", kind="postgresql"), **{"pool:databases": databases})
    rules = hybrid(there)
    assert may_start(rules, keys(there), [], there) == ["postgresql0", "postgresql1"]
    assert "pool:databases" in rules.why


def test_the_planner_starts_by_latest_start_and_only_where_a_tenth_of_the_need_is_left() -> None:
    """Of twice what the link carries, because none moves all the time."""
    there = night(*(job(key, "wan", own_rate=95.0) for key in "abc"))
    rules = replace(PLANNED, order={"a": 30.0, "b": 10.0, "c": 20.0})
    assert may_start(rules, keys(there), [], there) == ["b", "c", "a"]
    assert may_start(replace(rules, ahead=1.0), keys(there), [], there) == ["b"]
    large = night(*(job(key, "wan", own_rate=98.0) for key in "abc"))
    assert may_start(rules, keys(large), [], large) == ["b", "c"]


def test_who_lacks_rate_is_not_overtaken_by_who_needs_less() -> None:
    """Small jobs one after another would keep the large one waiting for ever."""
    there = night(
        *(job(name, "wan", own_rate=98.0) for name in ("runs", "moves")),
        job("large", "wan", own_rate=100.0),
        job("small", "wan", own_rate=1.0),
    )
    busy = ["runs", "moves"]
    first_large = replace(PLANNED, order={"large": 10.0, "small": 20.0})
    assert may_start(first_large, ["large", "small"], busy, there) == []
    first_small = replace(PLANNED, order={"large": 20.0, "small": 10.0})
    assert may_start(first_small, ["large", "small"], busy, there) == ["small"]


def test_a_share_leaves_room_for_others_and_is_lent_out_while_there_are_none() -> None:
    half = Resource("wan", "link", 100.0, share=0.5)
    there = night(job("a", "wan", own_rate=inf), job("b", "wan", own_rate=inf), wan=half)
    rules = replace(PLANNED, order={})
    assert may_start(rules, keys(there), [], there) == ["a", "b"]
    assert fair_rates(flows_of(rules, ["a"], there), capacities_at(there, 0.0)) == {"a": 100.0}


def chosen(workflow: str, there: Night, window_s: float = 1000.0) -> Rules:
    return choose(workflow, there, window_s)  # type: ignore[arg-type] # a table of names


def test_auto_is_serial_for_nine_jobs_that_fit_and_says_so() -> None:
    nine = night(*jobs(9, "host1"))
    rules = chosen("auto", nine)
    assert (rules.name, rules.why) == ("serial", "9 workloads are fewer than 10 and fit one after another: 3m")
    assert chosen("auto", night(*jobs(1, "host1"))).why == "one workload needs no order: 20s"


def test_auto_is_planned_for_ten_jobs_or_where_few_do_not_fit() -> None:
    assert chosen("auto", night(*jobs(10, "host1"))).name == "planner"
    tight = chosen("auto", night(*jobs(9, "host1")), window_s=60.0)
    assert tight.name == "planner"
    assert "3m one after another, and the window has 1m" in tight.why


@pytest.mark.parametrize("name", ["serial", "parallel", "hybrid"])
def test_what_the_estate_asks_for_is_done(name: str) -> None:
    rules = chosen(name, night(*jobs(20, "wan")))
    assert rules.name == name
    assert rules.why.startswith("the estate file says so")


def test_patterns_are_compared_by_promises_before_length() -> None:
    def went(makespan_s: float, late: tuple[str, ...] = (), unplaced: tuple[str, ...] = ()) -> Schedule:
        return Schedule((), makespan_s, late, NO_BOUND, 3, unplaced)

    rows = compared({"quick": went(50.0, ("a",)), "slow": went(90.0), "cut": went(10.0, (), ("b",))}, 40.0)
    assert [(row.name, row.ratio, row.late, row.unplaced) for row in rows] == [
        ("slow", 2.25, 0, 0),
        ("quick", 1.25, 1, 0),
        ("cut", 0.25, 0, 1),
    ]
