"""Who may go on when many connections speak over one slow link."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from math import inf

import pytest

from backstay.host.ssh.lane import AT_ONCE, UNDER_WAY_S, Lane

SLOW = 2_875_000.0


@dataclass(eq=False)
class Connection:
    """The far end says what it has as far as its window goes; what comes while it is paused waits here."""

    lane: Lane
    to_say: int
    heard: int = 0
    paused: bool = False
    window: int = field(init=False)
    held: int = 0
    full: bool = False

    def __post_init__(self) -> None:
        self.window = self.lane.window

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False
        if self.held:
            self._deliver()

    def says(self) -> bool:
        """A packet arrives, if it has anything to say and may."""
        count = min(self.to_say, self.window, self.lane.packet)
        if not count:
            return False
        self.to_say -= count
        self.window -= count
        self.held += count
        if not self.paused:
            self._deliver()
        return True

    def _deliver(self) -> None:
        count, self.held = self.held, 0
        self.window += count
        self.heard += count
        if not self.full:
            self.lane.spoke(self, count)


def run(story: Callable[[], Coroutine[object, object, None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 20))


@pytest.mark.parametrize("gives_way", [False, True])
def test_everybody_is_heard_to_the_end_and_only_some_are_under_way_at_a_time(gives_way: bool) -> None:
    async def story() -> None:
        lane, rng, most = Lane(SLOW), random.Random(1), 0
        lane.give_way(gives_way)
        crowd = [Connection(lane, 400_000) for _ in range(12)]
        for each in crowd:
            each.says()
        settled = False
        while any(each.to_say or each.held for each in crowd):
            if not any(each.says() for each in rng.sample(crowd, len(crowd))):
                await asyncio.sleep(0.001)
            settled = settled or all(each.heard > 4 * lane.window for each in crowd)
            if settled:
                most = max(most, sum(bool(each.to_say) and not each.paused for each in crowd))
        assert [each.heard for each in crowd] == [400_000] * 12
        assert most == (1 if gives_way else AT_ONCE)

    run(story)


def test_turns_go_round() -> None:
    async def story() -> None:
        lane = Lane(SLOW)
        crowd = [Connection(lane, 10_000_000) for _ in range(6)]
        for _ in range(3_000):
            for each in crowd:
                each.says()
        heard = [each.heard for each in crowd]
        assert max(heard) - min(heard) <= 5 * lane.window

    run(story)


def test_one_that_falls_silent_in_its_turn_does_not_hold_up_the_others() -> None:
    async def story() -> None:
        lane = Lane(SLOW)
        silent = [Connection(lane, lane.window) for _ in range(AT_ONCE)]
        for each in silent:
            assert each.says()
        late = Connection(lane, 200_000)
        assert late.says()
        assert late.paused
        while late.heard < 200_000:
            if not late.says():
                await asyncio.sleep(0.002)
        for each in silent:
            each.to_say = 50_000
            while each.heard < lane.window + 50_000:
                if not each.says():
                    await asyncio.sleep(0.002)

    run(story)


def test_one_whose_words_cannot_be_taken_gives_its_turn_away_and_comes_back() -> None:
    async def story() -> None:
        lane = Lane(SLOW)
        stuck, others = Connection(lane, 100_000), [Connection(lane, 100_000) for _ in range(3)]
        stuck.says()
        stuck.full = True
        lane.full(stuck)
        while any(each.heard < 100_000 for each in others):
            for each in (*others, stuck):
                each.says()
            await asyncio.sleep(0)
        assert stuck.heard <= 2 * lane.window
        stuck.full = False
        lane.wants(stuck)
        lane.wants(stuck)
        while stuck.heard < 100_000:
            stuck.says()
            await asyncio.sleep(0)

    run(story)


def test_one_that_is_gone_is_not_waited_for() -> None:
    async def story() -> None:
        lane = Lane(SLOW)
        crowd = [Connection(lane, 100_000) for _ in range(AT_ONCE + 2)]
        for each in crowd:
            each.says()
        for each in crowd[:-1]:
            lane.leaves(each)
        while crowd[-1].heard < 100_000:
            crowd[-1].says()
            await asyncio.sleep(0)

    run(story)


def test_without_a_known_capacity_nobody_waits() -> None:
    async def story() -> None:
        lane = Lane(inf)
        crowd = [Connection(lane, 10_000_000) for _ in range(20)]
        while any(each.says() for each in crowd):
            assert not any(each.paused for each in crowd)
        lane.full(crowd[0])
        assert crowd[0].paused
        lane.wants(crowd[0])
        assert not crowd[0].paused

    run(story)


@pytest.mark.parametrize(("round_trip_s", "least_s"), [(0.0, 0.0), (0.02, 0.02), (0.3, 0.3)])
def test_windows_fill_the_link_for_a_round_trip_and_leave_a_short_queue(round_trip_s: float, least_s: float) -> None:
    lane = Lane(SLOW)
    lane.measured(round_trip_s)
    lane.measured(round_trip_s + 0.5)
    assert lane.window * AT_ONCE == pytest.approx(SLOW * (least_s + UNDER_WAY_S), rel=0.01)


def test_the_slowest_and_the_fastest_links_have_windows_that_work() -> None:
    slowest, fastest = Lane(8_000.0), Lane(1e12)
    assert (slowest.window, slowest.packet) == (2048, 2048)
    assert (fastest.window, fastest.packet) == (1 << 20, 32 << 10)
