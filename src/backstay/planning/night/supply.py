"""What a resource carries as time goes on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from .model import Resource


@dataclass(frozen=True, slots=True)
class Supply:
    """Rates by time: `rates[i]` from `times[i]` until the next, the last for ever. The first time is zero."""

    times: tuple[float, ...]
    rates: tuple[float, ...]

    @property
    def steps(self) -> int:
        """How often it changes."""
        return len(self.times) - 1

    @property
    def most(self) -> float:
        """The highest rate that it ever has."""
        return max(self.rates)

    @property
    def least(self) -> float:
        """The lowest rate that it ever has."""
        return min(self.rates)

    def at(self, moment: float) -> float:
        """The rate at that moment."""
        return self.rates[bisect_right(self.times, moment) - 1]

    def lowest(self, start: float, end: float) -> float:
        """The least rate from `start` until `end`."""
        first = bisect_right(self.times, start) - 1
        return min(rate for at, rate in enumerate(self.rates[first:], first) if at == first or self.times[at] < end)

    def carried_by(self, start: float, volume: float) -> float:
        """When it can have carried that much if it begins at `start`."""
        if len(self.times) == 1:
            return start if volume <= 0 else start + volume / self.rates[0] if self.rates[0] > 0 else inf
        at = bisect_right(self.times, start) - 1
        while volume > 0:
            until = self.times[at + 1] if at + 1 < len(self.times) else inf
            rate = self.rates[at]
            if rate > 0 and start + volume / rate <= until:
                return start + volume / rate
            if until == inf:
                return inf
            volume -= rate * (until - start)
            start, at = until, at + 1
        return start

    def within(self, open_times: Sequence[tuple[float, float]]) -> Supply:
        """The same, but nothing outside those intervals."""
        turns = sorted({0.0, *self.times, *(turn for pair in open_times for turn in pair if 0 < turn < inf)})
        rates = [self.at(turn) if any(a <= turn < b for a, b in open_times) else 0.0 for turn in turns]
        return Supply(tuple(turns), tuple(rates))


def supply_of(resource: Resource) -> Supply:
    """A resource's capacity from the moment of planning on."""
    if not resource.steps:
        return Supply((0.0,), (resource.capacity,))
    later = [(since, capacity) for since, capacity in resource.steps if since > 0]
    return Supply((0.0, *(since for since, _ in later)), (resource.capacity_at(0.0), *(rate for _, rate in later)))


def all_the_time(rate: float) -> Supply:
    """One rate for ever."""
    return Supply((0.0,), (rate,))
