"""The way to a host: opened when first needed, opened again after a loss, shared by all its jobs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from backstay.domain.estate import Host
from backstay.ports.progress import Silent

from .echo import echo_to
from .lane import Lane
from .loop import CHECK_EVERY_S, call
from .sweeping import sweep
from .way import Way, open_way

Check = Callable[[], None]

_ASKED = 3


class Ways:
    """One for what jobs do, and another, on which nothing else moves, for asking how long a message takes."""

    def __init__(self, host: Host, state: str, lane: Lane) -> None:
        self._host = host
        self.lane = lane
        self._mark = f"{os.uname().nodename}:{os.path.realpath(state)}"
        self._lock = Lock()
        self._way: Way | None = None
        self._probe: Way | None = None
        self._swept = 0

    def way(self, check: Check) -> Way:
        """The way for work. What an earlier one left over is gone when a new one is handed out: a host that was cut
        off for a moment may still be at the last try's work."""
        with self._turn(check):
            if self._way is None or self._way.closed:
                self._end(self._way)
                self._way = self._opened(check)
                self._swept += sweep(self._host, self._way, check)
            return self._way

    def probe(self, check: Check) -> Way:
        """The way for asking."""
        with self._turn(check):
            if self._probe is None or self._probe.closed:
                self._end(self._probe)
                self._probe = self._opened(check)
            return self._probe

    def sweep(self, check: Check) -> int:
        """How many programs were left over since this was last asked."""
        way = self.way(check)
        with self._turn(check):
            found, self._swept = self._swept + sweep(self._host, way, check), 0
            return found

    def close(self) -> None:
        """Whatever still runs there is stopped by its watch."""
        self._end(self._way)
        self._end(self._probe)

    def _opened(self, check: Check) -> Way:
        way = call(open_way(self._host, self._mark, self.lane), check)
        if self.lane.limited:
            self.lane.measured(_quiet_s(way, check))
        return way

    def _end(self, way: Way | None) -> None:
        if way is not None:
            call(way.end(), Silent().check)

    @contextmanager
    def _turn(self, check: Check) -> Iterator[None]:
        """One thread at a time; whoever waits can still be stopped."""
        while not self._lock.acquire(timeout=CHECK_EVERY_S):
            check()
        try:
            yield
        finally:
            self._lock.release()


def _quiet_s(way: Way, check: Check) -> float:
    """The least of a few round trips; by packets if they are answered, because words are slower."""
    with contextlib.ExitStack() as closing:
        echo = echo_to(way.peer)
        if echo:
            closing.callback(echo.close)
        return min(echo.round_trip() if echo else call(way.round_trip(), check) for _ in range(_ASKED))
