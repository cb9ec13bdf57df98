"""How much is under way on one link towards us: its connections take turns, so that no queue grows before the link."""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf
from typing import Protocol

AT_ONCE = 2
"""Connections that have a turn: while one is told that it may go on, the other fills the link."""

UNDER_WAY_S = 0.0025
"""What all turns together may have in the link's queue, in seconds of the link. Enough for 97 % of it, measured."""

_WINDOWS = (2 << 10, 1 << 20)
_UNKNOWN = 256 << 10
"""A window where no link is named: 25 MB/s over 10 ms, and little that a far end is ahead of its rate."""

_WINDOWS_A_TURN = 4
_PACKET = 32 << 10

_IDLE_S = 0.01
"""A turn in which nothing came for so long, and a round trip, is over."""


class Speaker(Protocol):
    """The receiving end of a connection. Paused, it lets at most its window come in, and asks for no more."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Lane:
    """One link; called in the loop's thread, but for what is known of the link.

    A connection that speaks has a turn, or waits, paused, until it has one. Who says nothing has none and is not
    paused, so that it is heard when it begins: with as much as its window. On a link whose capacity nobody knows, which
    is infinite here, everybody may always go on.
    """

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._at_once = AT_ONCE
        self._round_trip_s = inf
        self._left: dict[Speaker, int] = {}
        self._heard: dict[Speaker, float] = {}
        self._waiting: deque[Speaker] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def limited(self) -> bool:
        """Whether there is a capacity to keep to."""
        return self._bytes_per_s < inf

    @property
    def window(self) -> int:
        """Bytes that one connection may have under way."""
        if not self.limited:
            return _UNKNOWN
        quiet_s = self._round_trip_s if self._round_trip_s < inf else 0.0
        least, most = _WINDOWS
        return int(max(least, min(most, self._bytes_per_s * (quiet_s + UNDER_WAY_S) / AT_ONCE)))

    @property
    def packet(self) -> int:
        """Bytes of a packet at most: a whole window, because each costs a tenth of a millisecond of our time."""
        return min(self.window, _PACKET)

    def give_way(self, yes: bool) -> None:
        """While others are on the link only one has a turn: half as much of ours is in their way."""
        self._at_once = 1 if yes else AT_ONCE
        self._next()

    def measured(self, round_trip_s: float) -> None:
        """A message took so long there and back. The least ever seen counts: any more was the queue of others."""
        self._round_trip_s = min(self._round_trip_s, round_trip_s)

    def spoke(self, speaker: Speaker, count: int) -> None:
        """So many bytes came; if it has no turn, no more of them are asked for."""
        if not self.limited:
            return
        if speaker in self._left:
            self._used(speaker, count)
        elif speaker not in self._waiting:
            speaker.pause_reading()
            self.wants(speaker)

    def full(self, speaker: Speaker) -> None:
        """What it says cannot be taken now."""
        speaker.pause_reading()
        self.leaves(speaker)

    def wants(self, speaker: Speaker) -> None:
        """It is paused, and what it says can be taken."""
        if not self.limited:
            speaker.resume_reading()
        elif speaker not in self._waiting and speaker not in self._left:
            self._waiting.append(speaker)
            self._next()

    def leaves(self, speaker: Speaker) -> None:
        """It takes no more turns."""
        if speaker in self._waiting:
            self._waiting.remove(speaker)
        self._end(speaker)

    def _used(self, speaker: Speaker, count: int) -> None:
        self._heard[speaker] = _now()
        self._left[speaker] -= count
        if self._left[speaker] > 0:
            return
        self._end(speaker)
        speaker.pause_reading()
        self.wants(speaker)

    def _end(self, speaker: Speaker) -> None:
        if speaker in self._left:
            del self._left[speaker], self._heard[speaker]
            self._next()

    def _next(self) -> None:
        while self._waiting and len(self._left) < self._at_once:
            speaker = self._waiting.popleft()
            self._left[speaker] = _WINDOWS_A_TURN * self.window
            self._heard[speaker] = _now()
            speaker.resume_reading()
        if self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._idle_s, self._look)

    def _look(self) -> None:
        """Whoever has had a turn for a while and says nothing stands back."""
        self._timer = None
        late = _now() - self._idle_s
        for speaker in [each for each in self._left if self._heard[each] <= late]:
            self._end(speaker)
        self._next()

    @property
    def _idle_s(self) -> float:
        return _IDLE_S + (self._round_trip_s if self._round_trip_s < inf else 0.0)


def _now() -> float:
    return asyncio.get_running_loop().time()
