"""Streams from hosts, held where they come in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

import pytest

from backstay.flows.pacing import Intake, paced
from backstay.flows.traffic import Traffic
from backstay.planning.live.sharing import LEAST
from flows.test_traffic import MB, Door, Link, StillClock


@pytest.mark.parametrize("rate", [LEAST, 1 * MB, 50 * MB])
def test_a_stream_is_evenly_taken_at_its_rate(rate: float) -> None:
    clock, taken, moments = StillClock(), 0, []
    for piece in paced([bytes(int(rate))] * 3, lambda: rate, clock):
        taken += len(piece)
        moments.append((clock.at, taken))
    assert taken == 3 * int(rate)
    assert clock.at == pytest.approx(3.0, rel=0.02)
    assert all(sum(at - 0.1 < moment <= at for moment, _ in moments) >= 3 for at, _ in moments[10:])


def test_without_a_limit_it_is_taken_at_once() -> None:
    clock = StillClock()
    pieces = paced([bytes(1_000_000)], lambda: inf, clock)
    assert sum(map(len, pieces)) == 1_000_000
    assert clock.at == 0.0


@dataclass
class Ticking(StillClock):
    """While somebody sleeps, rates are looked at ten times a second."""

    ticks: list[Callable[[], None]] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        until = self.at + seconds
        while (tick_at := (int(self.at * 10 + 1e-6) + 1) / 10) <= until:
            self.at = tick_at
            for tick in self.ticks:
                tick()
        self.at = until


def test_a_stream_that_began_on_a_full_link_gets_its_part_of_it() -> None:
    """It has the least at first, and must be seen to use that up."""
    link, clock = Link(10 * MB), Ticking()
    carried = {"host:nas": inf, "link": 10 * MB}
    traffic = Traffic(clock, lambda: carried)
    other = Door("other", link)
    intake = Intake(traffic, "a", ("host:nas", "link"), clock)

    def tick() -> None:
        other.taken += int(0.1 * link.limits["other"])
        traffic.turn()

    clock.ticks.append(tick)
    with traffic.passing("other", ("link",), other):
        stream = intake.taken(lambda: [bytes(20_000_000)])
        while clock.at < 2.0:
            next(stream)
        assert intake.passed() > 1.5 * 5 * MB


def test_a_stream_that_nobody_takes_to_its_end_leaves_its_links_when_it_is_closed() -> None:
    clock = StillClock()
    traffic = Traffic(clock, lambda: {"host:nas": inf, "link": 10 * MB})
    intake = Intake(traffic, "a", ("host:nas", "link"), clock)
    stream = intake.taken(lambda: [bytes(1_000_000)])
    next(stream)
    assert traffic.granted("link")[0] == 1
    intake.close()
    assert traffic.granted("link")[0] == 0
    assert intake.passage is not None
    assert intake.passage.moved == intake.passed()
