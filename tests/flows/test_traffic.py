"""Rates of jobs that move at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.domain.secrets import Secret
from backstay.flows.traffic import Traffic
from backstay.planning.live.sharing import LEAST

MB = 1_000_000.0


@dataclass
class StillClock:
    """A clock that moves when it is told to."""

    at: float = 0.0

    def now(self) -> datetime:
        raise AssertionError("rates need no calendar")

    def elapsed(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class Link:
    """What all doors over it were told, one after another; the sum is looked at after each word."""

    capacity: float
    limits: dict[str, float] = field(default_factory=dict)
    most: float = 0.0

    def told(self, name: str, rate: float | None) -> None:
        self.limits[name] = inf if rate is None else rate
        self.most = max(self.most, sum(self.limits.values()))


@dataclass
class Door:
    """A gateway that remembers; `taken` bytes passed."""

    name: str
    link: Link
    taken: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self.link.told(self.name, LEAST)

    def address(self, port: int | None = None) -> Secret:
        return Secret("")

    def limit(self, bytes_per_s: float | None) -> None:
        self.link.told(self.name, bytes_per_s)

    def passed(self) -> int:
        return self.taken

    def check(self) -> None:
        return None


def capacities(link: Link) -> Mapping[str, float]:
    return {"link": link.capacity, "here": inf}


def test_one_job_has_the_whole_link_and_two_share_it() -> None:
    link, clock = Link(10 * MB), StillClock()
    traffic = Traffic(clock, lambda: capacities(link))
    with traffic.passing("a", ("link", "here"), Door("a", link)):
        assert link.limits == {"a": 10 * MB}
        with traffic.passing("b", ("link",), Door("b", link)):
            assert link.limits == {"a": 5 * MB, "b": 5 * MB}
        assert link.limits == {"a": 10 * MB, "b": LEAST}


def test_what_has_no_limit_is_told_so() -> None:
    link, clock = Link(inf), StillClock()
    traffic = Traffic(clock, lambda: capacities(link))
    with traffic.passing("a", ("here",), Door("a", link)):
        assert link.limits == {"a": inf}
    assert not traffic.limits(("here",))


def test_what_a_slow_job_leaves_is_lent_and_given_back_when_it_is_wanted() -> None:
    link, clock = Link(10 * MB), StillClock()
    traffic = Traffic(clock, lambda: capacities(link))
    slow, quick = Door("slow", link), Door("quick", link)
    with traffic.passing("slow", ("link",), slow) as passage, traffic.passing("quick", ("link",), quick):

        def second(taken: float) -> None:
            clock.at += 1.0
            slow.taken += int(min(taken, link.limits["slow"]))
            quick.taken += int(link.limits["quick"])
            traffic.turn()

        for _ in range(12):
            second(1 * MB)
        assert link.limits["quick"] > 8 * MB
        assert passage.own_rate is not None
        assert abs(passage.own_rate - MB) < MB / 10
        for _ in range(20):
            second(inf)
        assert abs(link.limits["slow"] - 5 * MB) < MB / 10


def test_a_link_that_carries_less_from_now_on_is_not_filled_more() -> None:
    link, clock = Link(10 * MB), StillClock()
    traffic = Traffic(clock, lambda: capacities(link))
    with traffic.passing("a", ("link",), Door("a", link)), traffic.passing("b", ("link",), Door("b", link)):
        link.capacity = 2 * MB
        traffic.turn()
        assert sum(link.limits.values()) <= 2 * MB + 1


def test_what_jobs_come_to_use_of_a_link_is_known_within_a_third_of_a_second() -> None:
    link, clock = Link(10 * MB), StillClock()
    traffic, door = Traffic(clock, lambda: capacities(link)), Door("a", link)
    assert traffic.used("link") == 1.0
    with traffic.passing("a", ("link",), door):
        assert traffic.used("link") == 1.0
        for rate in [10 * MB] * 9 + [4 * MB] * 3:
            clock.sleep(0.1)
            door.taken += int(rate * 0.1)
            traffic.turn()
        assert traffic.used("link") == pytest.approx(0.4)
        link.capacity = 4 * MB
        assert traffic.used("link") == pytest.approx(1.0)


def test_what_is_short_is_divided_by_need() -> None:
    link, clock = Link(8 * MB), StillClock()
    traffic = Traffic(clock, lambda: capacities(link))
    with traffic.passing("a", ("link",), Door("a", link)), traffic.passing("b", ("link",), Door("b", link)):
        traffic.weigh({"a": 3.0})
        traffic.turn()
        assert link.limits["a"] == pytest.approx(3 * link.limits["b"], rel=0.05)  # beyond what everybody has


def test_a_little_more_may_leave_a_host_than_is_read_there_but_no_more_over_a_link() -> None:
    link, clock = Link(10 * MB), StillClock()
    carried = {"link": link.capacity, "host:h": 4 * MB}
    traffic = Traffic(clock, lambda: carried)
    with ExitStack() as stack:
        for name in "ab":
            stack.enter_context(traffic.passing(name, ("host:h", "link"), Door(name, link)))
        assert sum(link.limits.values()) == pytest.approx(1.05 * 4 * MB)
        read = [traffic.read_pace(name, "host:h") or 0.0 for name in "ab"]
        assert sum(read) == pytest.approx(4 * MB)
        carried["link"] = 3 * MB
        traffic.turn()
        assert sum(link.limits.values()) == pytest.approx(3 * MB)


def test_a_disk_is_divided_by_need() -> None:
    link, clock = Link(inf), StillClock()
    disk = {"host:nas": 10 * MB, "host:fast": inf, "link": inf}
    traffic = Traffic(clock, lambda: disk)
    ways = (("host:nas", "link"), ("host:nas", "link"), ("host:fast", "link"))
    with ExitStack() as stack:
        for name, way in zip("abc", ways, strict=True):
            stack.enter_context(traffic.passing(name, way, Door(name, link)))
        assert [traffic.read_pace(name, "host:nas") for name in "ab"] == pytest.approx([5 * MB, 5 * MB])
        traffic.weigh({"a": 0.5, "b": 1.5})
        assert [traffic.read_pace(name, "host:nas") for name in "ab"] == pytest.approx([2.5 * MB, 7.5 * MB])
        assert traffic.read_pace("c", "host:fast") is None


def test_a_stream_has_its_part_of_the_disk_and_leaves_what_its_link_does_not_carry() -> None:
    link, clock = Link(2 * MB), StillClock()
    carried = {"host:nas": 10 * MB, "link": 2 * MB, "vault": inf}
    traffic = Traffic(clock, lambda: carried)
    with (
        traffic.passing("a", ("vault",), Door("a to the vault", Link(inf))),
        traffic.passing("a", ("host:nas", "link"), Door("a", link), source=True),
        traffic.passing("b", ("host:nas",), Door("b", Link(inf))),
    ):
        assert link.limits["a"] == 2 * MB
        assert [traffic.read_pace(name, "host:nas") for name in "ab"] == pytest.approx([2 * MB, 8 * MB])
        carried["host:nas"] = 2 * MB
        for _ in range(2):
            clock.at += 1.0
            traffic.turn()
        assert [traffic.read_pace(name, "host:nas") for name in "ab"] == pytest.approx([1 * MB, 1 * MB])


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0.1, 4.0)), max_size=20), st.floats(1.0, 50.0))
def test_at_no_moment_is_the_sum_of_rates_over_the_capacity(steps: list[tuple[str, float]], megabytes: float) -> None:
    """Jobs come and go in any order; each door begins with the least rate, which an admitted job has anyway."""
    link, clock = Link(megabytes * MB), StillClock()
    traffic = Traffic(clock, lambda: capacities(link))
    running: dict[str, ExitStack] = {}
    for name, weight in steps:
        clock.at += 0.3
        if name in running:
            running.pop(name).close()
        else:
            traffic.weigh({name: weight})
            running[name] = ExitStack()
            running[name].enter_context(traffic.passing(name, ("link",), Door(name, link)))
        traffic.turn()
    for stack in running.values():
        stack.close()
    assert link.most <= megabytes * MB + 6 * LEAST + 1
