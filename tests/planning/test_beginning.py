"""Who begins first where links and disks would wait for work."""

from __future__ import annotations

from math import inf

from backstay.planning.night.model import Demand, Night, Resource
from backstay.planning.patterns.beginning import filling_first, may_change_turns
from backstay.planning.patterns.known import PLANNED

THINGS = [
    Resource(key, "link" if key.startswith("link") else "host") for key in ("link:l", "link:m", "host:a", "host:b")
]
NIGHT = Night(
    tuple(
        Demand(key, 1.0, resources=(f"host:{host}", f"link:{link}"))
        for key, host, link in (("a1", "a", "l"), ("a2", "a", "l"), ("b1", "b", "l"), ("b2", "b", "m"))
    ),
    {each.key: each for each in THINGS},
)


def first(*, streams: str = "", running: str = "", moving: str = "") -> list[str]:
    named = {"streams": set(streams.split()), "running": set(running.split()), "moving": set(moving.split())}
    return filling_first(PLANNED, NIGHT, **named)


def test_where_nothing_runs_and_nothing_is_a_stream_the_order_stays() -> None:
    assert first() == ["a1", "a2", "b1", "b2"]


def test_streams_go_first_until_something_moves_on_their_link() -> None:
    assert first(streams="a2 b2") == ["a2", "b2", "a1", "b1"]
    assert first(streams="a2 b2", moving="b1") == ["b2", "a1", "a2", "b1"]


def test_hosts_at_which_nothing_runs_go_before_those_that_have_a_job() -> None:
    assert first(running="a1") == ["b1", "b2", "a1", "a2"]
    assert first(running="a1 b1") == ["a1", "a2", "b1", "b2"]


def test_turns_are_kept_where_a_promise_is_nearer_than_twice_the_time_for_everything() -> None:
    assert may_change_turns(100.0, [])
    assert may_change_turns(100.0, [inf, 200.0])
    assert not may_change_turns(100.0, [inf, 199.0])
