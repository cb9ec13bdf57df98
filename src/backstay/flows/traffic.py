"""The rates of all jobs that move bytes now: shared fairly, changed live, and never over a limit in between."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Protocol

from backstay.planning.live.sharing import FULL_USE, LEAST, Flow, demand_of, fair_rates, in_order, with_what_is_left
from backstay.planning.network import is_host
from backstay.ports.clock import Clock

MEASURED_S = 0.09
"""Between two measurements of what each job takes, at least."""

OPENING = 256 * 1024
"""Bytes that an engine may need to open its repository."""

_SOURCE = " source"
"""The end of a job where a stream from a host comes in, by its key."""

CATCHING_UP = 1.05
"""So much more may leave a host than is read there, where that is held: what was read while nothing was sent, because
a piece was not whole, is sent afterwards. Else a disk that must be read all night is the later for each such moment."""

REMEMBERED = 10
"""Measurements that are kept of each job: about a second."""

_OF_LATE = 3
_FULL = 0.99

Capacities = Callable[[], Mapping[str, float]]


class Meter(Protocol):
    """Where the bytes of a job are counted and held: its gateway, or the end of a stream that comes from a host."""

    def passed(self) -> int:
        """Bytes so far."""

    def limit(self, bytes_per_s: float | None) -> None:
        """From now on at most so much; None takes the limit away."""


@dataclass(slots=True)
class Passage:
    """One job, or one end of it, on its way: `moved` bytes went in `seconds`. `streams` says whether it is held where
    its source comes in. `own_rate` is the fastest that it was while no limit of ours held it back; `bounds` counts by
    resource how often that set its rate (None: nothing of ours did)."""

    job: str
    resources: tuple[str, ...]
    meter: Meter
    began_at: float
    granted: float = LEAST
    streams: bool = False
    seen: int = 0
    most: float = LEAST
    moved: int = 0
    seconds: float = 0.0
    own_rate: int | None = None
    bounds: Counter[str | None] = field(default_factory=Counter)
    measured: list[float] = field(default_factory=list)
    grants: list[float] = field(default_factory=list)

    @property
    def bound_by(self) -> str | None:
        """What set its rate most of the time."""
        return max(self.bounds, key=lambda key: self.bounds[key]) if self.bounds else None

    def measure(self, span_s: float, tightest: str | None) -> None:
        """What it took since the last look, and whether that was all that it was given."""
        passed = self.meter.passed()
        rate, self.seen = (passed - self.seen) / span_s, passed
        self.measured = [*self.measured[1 - REMEMBERED :], rate]
        self.grants = [*self.grants[1 - REMEMBERED :], self.granted]
        self.most = demand_of(self.measured, self.grants, self.most)
        held = rate >= FULL_USE * self.granted
        self.bounds[tightest if held else None] += 1
        taken, offered = sum(self.measured), sum(self.grants)
        if len(self.measured) == REMEMBERED and taken < FULL_USE * offered:
            self.own_rate = max(self.own_rate or 0, int(taken / REMEMBERED)) or None


class Traffic:
    """Steers every gateway that is open, and every stream. `capacities` says what each resource carries at this moment.

    Rates are set when a job comes or goes and at each `turn`, lower ones first, so that their sum is at no moment over
    a capacity. What a job leaves unused, or has not shown yet that it can use, is lent to the others.
    """

    def __init__(self, clock: Clock, capacities: Capacities) -> None:
        self._clock = clock
        self._capacities = capacities
        self._lock = threading.Lock()
        self._passages: dict[str, Passage] = {}
        self._needs: Mapping[str, float] = {}
        self._measured_at = clock.elapsed()

    def limits(self, resources: tuple[str, ...]) -> bool:
        """Whether anything on this way has a capacity that must be kept."""
        capacities = self._capacities()
        return any(isfinite(capacities[key]) for key in resources)

    @contextmanager
    def passing(self, job: str, resources: tuple[str, ...], meter: Meter, *, source: bool = False) -> Iterator[Passage]:
        """The job moves bytes through this meter, which was opened at `LEAST`, while the context is open.

        A job whose two ends cross different resources has a passage for each, one of them at its `source`.
        """
        began, key = self._clock.elapsed(), job + _SOURCE if source else job
        passage = Passage(job, resources, meter, began, streams=source)
        with self._lock:
            self._passages[key] = passage
            self._share()
        try:
            yield passage
        finally:
            with self._lock:
                del self._passages[key]
                meter.limit(LEAST)  # it stays open for a moment, while others have its share already
                self._share()
            passage.moved, passage.seconds = meter.passed(), self._clock.elapsed() - began

    def turn(self) -> None:
        """Measure if it is time to, share anew, and set what changed."""
        with self._lock:
            span = self._clock.elapsed() - self._measured_at
            if span >= MEASURED_S:
                self._measured_at += span
                filled = self._filled()
                for passage in self._passages.values():
                    if self._measured_at - passage.began_at >= span:
                        passage.measure(span, _fullest(passage.resources, filled))
            self._share()

    def weigh(self, needs: Mapping[str, float]) -> None:
        """From now on what is short is divided in proportion to these; who is not named has 1."""
        with self._lock:
            self._needs = needs

    def sent(self, job: str) -> tuple[int, float] | None:
        """Bytes of its data so far, and how many a second it sends now. None while it opens its repository, and when
        it is done with it."""
        with self._lock:
            passage = self._passages.get(job + _SOURCE) or self._passages.get(job)
        if passage is None or (passed := passage.meter.passed()) <= OPENING:
            return None
        rates = passage.measured
        return passed, min(passage.granted, sum(rates) / len(rates)) if rates else passage.granted

    def read_pace(self, job: str, resource: str) -> float | None:
        """Bytes per second that a job which is on its way may read from this host; None where that has no limit.

        A stream reads no more than it was granted of its links. What others leave is lent where they read.
        """
        capacity = self._capacities()[resource]
        if not isfinite(capacity):
            return None
        with self._lock:
            parts = {
                each.job: Flow((resource,), each.granted if each.streams else inf, self._need(each))
                for each in self._passages.values()
                if resource in each.resources
            }
        # One whose way had no limit when it began is not among them.
        parts.setdefault(job, Flow((resource,)))
        return fair_rates(parts, {resource: capacity})[job]

    def granted(self, resource: str) -> tuple[int, float, float]:
        """How many jobs use a resource now, what they were granted of it, and what they took, in bytes per second."""
        with self._lock:
            using = [each for each in self._passages.values() if resource in each.resources]
        taken = sum(sum(each.measured) / len(each.measured) for each in using if each.measured)
        return len(using), sum(each.granted for each in using), taken

    def used(self, link: str) -> float:
        """Which part of what it carries now jobs took in the last third of a second; 1 where none is known so long."""
        with self._lock:
            using = [each.measured[-_OF_LATE:] for each in self._passages.values() if link in each.resources]
        known = [sum(rates) / _OF_LATE for rates in using if len(rates) == _OF_LATE]
        return min(1.0, sum(known) / self._capacities()[link]) if known else 1.0

    def _share(self) -> None:
        flows = {
            key: Flow(each.resources, self._most(each), self._need(each), LEAST) for key, each in self._passages.items()
        }
        room = {key: rate * (CATCHING_UP if is_host(key) else 1.0) for key, rate in self._capacities().items()}
        new = with_what_is_left(flows, room)
        for key, rate in in_order({key: each.granted for key, each in self._passages.items()}, new):
            self._passages[key].granted = rate
            self._passages[key].meter.limit(rate if isfinite(rate) else None)

    def _most(self, passage: Passage) -> float:
        """A stream takes no more of its links than its part of its host's disk, which is the first of its resources."""
        if not passage.streams:
            return passage.most
        host = passage.resources[0]
        needs = sum(self._need(each) for each in self._passages.values() if host in each.resources)
        return min(passage.most, self._capacities()[host] * self._need(passage) / needs)

    def _need(self, passage: Passage) -> float:
        return self._needs.get(passage.job, 1.0)

    def _filled(self) -> dict[str, float]:
        """Which part of each limited resource is granted."""
        sums: dict[str, float] = {}
        for passage in self._passages.values():
            for key in passage.resources:
                sums[key] = sums.get(key, 0.0) + passage.granted
        capacities = self._capacities()
        return {key: total / capacities[key] for key, total in sums.items() if isfinite(capacities[key])}


def _fullest(resources: tuple[str, ...], filled: Mapping[str, float]) -> str | None:
    """The one of which nothing is left; None where all could carry more."""
    fullest = max(resources, key=lambda key: filled.get(key, 0.0))
    return fullest if filled.get(fullest, 0.0) >= _FULL else None
