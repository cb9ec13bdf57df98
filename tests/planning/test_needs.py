"""Who needs most of what is short."""

from __future__ import annotations

from math import inf

import pytest

from backstay.planning.live.needs import needs_of
from backstay.planning.live.sharing import Flow, fair_rates
from backstay.planning.night.model import Demand, Resource

LINK = Resource("link:l", "link", 10.0)
A, B = (Resource(f"host:{name}", "host", 8.0, slots=2) for name in "ab")
THINGS = {each.key: each for each in (LINK, A, B)}


def job(key: str, host: str, volume: float) -> Demand:
    return Demand(key, volume, resources=(f"host:{host}", "link:l"))


def needs(*jobs: Demand, running: set[str], promised: dict[str, float] | None = None) -> dict[str, float]:
    left = {each.key: each.volume for each in jobs}
    return needs_of(jobs, left, running, THINGS, promised or {})


def test_hosts_get_so_much_of_a_link_that_they_end_together() -> None:
    jobs = [job("a1", "a", 40.0), job("a2", "a", 20.0), job("a3", "a", 20.0), job("b1", "b", 20.0)]
    found = needs(*jobs, running={"a1", "a2", "b1"})
    flows = {key: Flow(each.resources, inf, found[key]) for each in jobs if (key := each.key) in found}
    rates = fair_rates(flows, {key: each.capacity for key, each in THINGS.items()})
    assert rates["a1"] + rates["a2"] == pytest.approx(8.0)
    assert rates["b1"] == pytest.approx(2.0)


def test_on_one_host_the_first_to_end_gets_three_times_as_much_as_the_others() -> None:
    found = needs(job("a1", "a", 10.0), job("a2", "a", 30.0), job("a3", "a", 20.0), running={"a1", "a2"})
    assert found["a1"] == pytest.approx(3 * found["a2"])


def test_a_host_whose_disk_has_no_slack_gets_more_than_its_part_of_the_bytes() -> None:
    """What both need of the link takes 10 s; the one disk is read for 9 s, the other for a second."""
    found = needs(job("a1", "a", 72.0), job("b1", "b", 8.0), job("b2", "b", 20.0), running={"a1", "b1"})
    assert found["a1"] / found["b1"] > 2 * 72 / 28


def test_the_mean_is_one_and_nobody_has_less_than_a_quarter() -> None:
    found = needs(job("a1", "a", 0.0), job("a2", "a", 1.0), job("b1", "b", 100.0), running={"a1", "a2", "b1"})
    assert found == {"a1": 0.25, "a2": 0.25, "b1": pytest.approx(3.0, rel=0.01)}


def test_who_would_break_a_promise_gets_more() -> None:
    jobs = [job("a1", "a", 50.0), job("b1", "b", 50.0)]
    plain, pressed = (needs(*jobs, running={"a1", "b1"}, promised=each) for each in ({}, {"a1": 2.0}))
    assert plain["a1"] == plain["b1"]
    assert pressed["a1"] == pytest.approx(5 * pressed["b1"])


def test_nothing_left_is_no_need_above_others() -> None:
    assert needs(job("a1", "a", 0.0), job("b1", "b", 0.0), running={"a1", "b1"}) == {"a1": 1.0, "b1": 1.0}
    assert needs(running=set()) == {}
