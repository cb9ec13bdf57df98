"""A stream from a host, taken no faster than its host and its links may carry it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from math import inf

from backstay.planning.live.sharing import LEAST
from backstay.ports.clock import Clock

from .traffic import Passage, Traffic

_PIECE = 16 * 1024
"""Bytes that are taken at a stroke, at most; on a link of 23 Mbit/s they take 6 ms."""

_STROKE_S = 0.02
"""Of a slow stream no more is taken at a stroke than comes in so many seconds: one that moved by leaps would be thought
to stand still in between, and its rate be lent to others."""


def paced(chunks: Iterable[bytes], bytes_per_s: Callable[[], float], clock: Clock) -> Iterator[bytes]:
    """The same bytes, in pieces, at a rate that is asked for again at each piece.

    What was not taken in time is not caught up: others on the link would feel it.
    """
    due = clock.elapsed()
    for chunk in chunks:
        at = 0
        while at < len(chunk):
            now = clock.elapsed()
            if due > now:
                clock.sleep(due - now)
            rate = bytes_per_s()
            piece = chunk[at : at + max(1, int(min(_PIECE, rate * _STROKE_S)))]
            at += len(piece)
            due = max(due, now) + len(piece) / rate
            yield piece


class Intake:
    """Where a stream from a host comes in. It crosses the links to its host here, and no others: what its engine makes
    of it goes on from this machine. `passage` is known once the stream is taken; whoever made this closes it."""

    def __init__(self, traffic: Traffic, job: str, resources: tuple[str, ...], clock: Clock) -> None:
        self.passage: Passage | None = None
        self._traffic, self._job, self._resources, self._clock = traffic, job, resources, clock
        self._granted = LEAST
        self._passed = 0
        self._crossing = ExitStack()

    def taken(self, chunks: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
        """The stream from its beginning, as fast as its host and links may carry it."""
        self.close()
        self._granted, self._passed = LEAST, 0
        crossing = self._traffic.passing(self._job, self._resources, self, source=True)
        self.passage = self._crossing.enter_context(crossing)
        for piece in paced(chunks(), self._rate, self._clock):
            self._passed += len(piece)
            yield piece
        self.close()

    def close(self) -> None:
        """It crosses nothing any more, even if nobody took it to its end."""
        self._crossing.close()

    def limit(self, bytes_per_s: float | None) -> None:
        self._granted = inf if bytes_per_s is None else bytes_per_s

    def passed(self) -> int:
        return self._passed

    def _rate(self) -> float:
        of_disk = self._traffic.read_pace(self._job, self._resources[0])
        return self._granted if of_disk is None else min(self._granted, of_disk)
