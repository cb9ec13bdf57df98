"""What jobs claim of a link that they share."""

from __future__ import annotations

from contextlib import ExitStack
from math import inf

import pytest

from backstay.flows.claims import Claims
from backstay.flows.traffic import Traffic
from backstay.planning.live.sharing import LEAST
from backstay.planning.night.model import Demand, Resource
from flows.test_traffic import MB, Door, Link, StillClock

WAN = {"link:wan": Resource("link:wan", "link", 10 * MB, share=0.5)}


def job(key: str, volume: float = 100 * MB, prep_s: float = 5.0, own_rate: float = inf) -> Demand:
    return Demand(key, volume, own_rate, prep_s, resources=("link:wan",))


def claims() -> tuple[Claims, Traffic, StillClock, Link]:
    clock, link = StillClock(), Link(10 * MB)
    traffic = Traffic(clock, lambda: {"link:wan": link.capacity})
    return Claims(traffic, clock), traffic, clock, link


def claimed(judge: Claims, *demands: Demand, running: str = "") -> list[float]:
    return [each.own_rate for each in judge.of(demands, frozenset(running), WAN)]


def test_a_job_claims_what_it_takes_on_the_average_of_its_time() -> None:
    """At half of the link it moves for 20 s, and opens its repository for 5."""
    judge, *_ = claims()
    assert claimed(judge, job("a")) == [100 * MB / 25]
    assert claimed(judge, job("a", own_rate=2 * MB)) == [100 * MB / 55]
    assert claimed(judge, job("a", prep_s=0.0)) == [5 * MB]


def test_one_whose_size_nobody_knows_claims_its_share() -> None:
    judge, *_ = claims()
    assert claimed(judge, job("a", volume=0.0)) == [inf]


def test_one_that_is_nearly_done_or_only_closes_its_repository_claims_next_to_nothing() -> None:
    judge, traffic, clock, link = claims()
    door, demand = Door("a", link), job("a")
    claimed(judge, demand, running="a")
    with ExitStack() as moving:
        moving.enter_context(traffic.passing("a", ("link:wan",), door))
        clock.at = 5.0
        door.taken = int(10 * MB)
        assert claimed(judge, demand, running="a") == [100 * MB / 25]
        door.taken = int(90 * MB)
        assert claimed(judge, demand, running="a") == [LEAST]
    assert claimed(judge, demand, running="a") == [LEAST]
    assert claimed(judge, demand) == [100 * MB / 25]


@pytest.mark.parametrize("took_s", [1.0, 20.0])
def test_how_long_openings_take_is_learned(took_s: float) -> None:
    judge, traffic, clock, link = claims()
    claimed(judge, job("a"), running="a")
    clock.at = took_s
    door = Door("a", link, taken=int(MB))
    with traffic.passing("a", ("link:wan",), door):
        claimed(judge, job("a"), running="a")
    assert claimed(judge, job("b")) == [100 * MB / (20 + took_s)]
