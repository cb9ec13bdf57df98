"""What runs that were planned earlier hold of a resource, and what they leave of it to those that are planned now."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import inf

from .night.model import Resource

_TRACE = 1e-6
"""The part of a capacity that is left where runs take all of it: a resource with none is one that is shut."""

Changes = list[tuple[float, float]]
"""By how much something changes, as (from when, how much)."""


@dataclass(slots=True)
class Held:
    """One resource. Moments are seconds on one line of time, on which the resource's steps lie, too."""

    resource: Resource
    _runs: list[tuple[float, float, tuple[tuple[float, float], ...]]] = field(init=False, default_factory=list)
    _turns: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self._turns = [at for at, _ in self.resource.steps]

    def add(self, begin: float, end: float, rates: tuple[tuple[float, float], ...]) -> None:
        """A run that has a slot from `begin` to `end`, and `rates` as (from when, bytes per second)."""
        moving = rates if self.resource.capacity < inf and any(rate for _, rate in rates) else ()
        insort(self._runs, (end, begin, moving))

    def left(self, now: float, ahead_s: float) -> tuple[float, Resource]:
        """What is left from `now` on, in seconds from then, and from when on there is a slot.

        Of slots as many as are free all the time; where at some time there is none, one from the moment at which one is
        given back for good.
        """
        del self._runs[: bisect_right(self._runs, (now, inf, ()))]
        free_at, slots = self._slots_left(now)
        (_, capacity), *steps = self._steps_left(now, now + ahead_s)
        return free_at, replace(self.resource, slots=slots, capacity=capacity, steps=tuple(steps))

    def _slots_left(self, now: float) -> tuple[float, float]:
        slots = self.resource.slots
        if slots == inf or not self._runs:
            return 0.0, slots
        most, free_at, count = 0, now, 0
        for at, change in sorted(change for end, begin, _ in self._runs for change in ((begin, 1), (end, -1))):
            if count >= slots > count + change:
                free_at = at
            count += change
            most = max(most, count)
        return max(0.0, free_at - now), max(1.0, slots - most)

    def _steps_left(self, now: float, until: float) -> Iterator[tuple[float, float]]:
        """Capacities as (seconds from now, how much); the first is at zero."""
        taken = self._taken()
        turns = {now, *self._turns[bisect_right(self._turns, now) : bisect_right(self._turns, until)]}
        turns |= {at for at, _ in taken if at > now}
        used, place, before = 0.0, 0, -1.0
        for turn in sorted(turns):
            while place < len(taken) and taken[place][0] <= turn:
                used, place = used + taken[place][1], place + 1
            whole = self._capacity(turn)
            left = max(whole * _TRACE, whole - used)
            if left != before:
                yield turn - now, left
                before = left

    def _taken(self) -> Changes:
        changes: Changes = []
        for end, _, rates in self._runs:
            before = 0.0
            for at, rate in (*rates, (end, 0.0)) if rates else ():
                changes.append((at, rate - before))
                before = rate
        return sorted(changes)

    def _capacity(self, at: float) -> float:
        place = bisect_right(self._turns, at)
        return self.resource.steps[place - 1][1] if place else self.resource.capacity
