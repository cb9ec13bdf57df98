"""Bytes on their way: what is left of each job, how fast it moves, and how it moved until now."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from backstay.planning.night.model import Night, Resource

from .filling import Numbers, Places, filled
from .rules import Rules, most_of

WORST_LOSS = 0.15
"""The part of its capacity that a resource keeps however many streams share it."""

STEADY = 0.1
"""A rate that moves by less than this part of itself is one step of a placement."""

AT_ONCE = 1e18
"""Bytes per second of a job that nothing limits: a number, so that sums of rates stay numbers."""

_ENDED = 1e-9
_INSTANT_S = 1e-6


class Streams:
    """All jobs of a night by their place in it. Nothing moves before `begin`; `settle` gives rates their value."""

    def __init__(self, night: Night, rules: Rules) -> None:
        self._night, self._rules = night, rules
        self._volume = np.array([demand.volume for demand in night.demands], dtype=np.float64)
        self.left = self._volume.copy()
        self.rate = np.zeros(len(self.left))
        self.moving: Places = np.empty(0, dtype=np.intp)
        self._members, self._limits = _members(night)
        self._slots = np.array([*(limit.slots for limit in self._limits), np.inf])
        self._loss = np.array([*(limit.loss for limit in self._limits), 0.0])
        self._alive = np.zeros(len(self.left), dtype=np.bool_)
        self._trace = Trace(self.left)
        self.set_capacities(0.0)

    def set_capacities(self, at_s: float) -> None:
        """From now on what the resources carry at that moment."""
        most = [most_of(self._rules, demand, self._night, at_s) for demand in self._night.demands]
        self._most = np.minimum(np.array(most, dtype=np.float64), AT_ONCE)
        self._capacities = np.array([*(limit.capacity_at(at_s) for limit in self._limits), np.inf])

    def begin(self, places: list[int], at_s: float) -> None:
        """These move from now on."""
        self.moving = np.concatenate([self.moving, np.array(places, dtype=np.intp)])
        self._alive[places] = True
        for place in places:
            self._trace.begin(place, at_s)

    def stop(self, places: Iterable[int], at_s: float) -> None:
        """These move no longer; what is left stays."""
        gone = list(places)
        for place in gone:
            self.rate[place] = 0.0
            self._trace.end_step(place, at_s)
        self._alive[gone] = False
        self.moving = self.moving[self._alive[self.moving]]

    def pause(self, place: int, at_s: float) -> None:
        """This one, moving or not yet, stands still from now on."""
        if place in self.moving:
            self.stop([place], at_s)
        self._trace.pause(place, at_s)

    def settle(self, at_s: float) -> None:
        """Fair rates for what moves now, over what streams beyond the slots leave of each capacity."""
        on = self._members[self.moving]
        streams = np.bincount(on.ravel(), minlength=len(self._capacities))
        kept = np.maximum(WORST_LOSS, 1 / (1 + self._loss * np.maximum(0.0, streams - self._slots)))
        rates = filled(on, self._most[self.moving], self._capacities * kept)
        self.rate[self.moving] = rates
        self._trace.changed(self.moving, rates, at_s)

    def next_end(self) -> float:
        """Seconds until the first of them has moved all, at these rates."""
        rates = self.rate[self.moving]
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.min(self.left[self.moving] / rates, initial=np.inf, where=rates > 0))

    def pass_time(self, seconds: float) -> list[int]:
        """The places of those that have moved all after that time, up to rounding."""
        rates = self.rate[self.moving]
        left = self.left[self.moving] = np.maximum(self.left[self.moving] - rates * seconds, 0.0)
        done: list[int] = self.moving[left <= _ENDED * self._volume[self.moving] + _INSTANT_S * rates].tolist()
        self.left[done] = 0.0
        return done

    def steps(self, place: int) -> tuple[tuple[float, float], ...]:
        """The rates of a job as (from when, how much); volume is exactly what they move."""
        return tuple(self._trace.steps[place])


class Trace:
    """How jobs moved, as steps whose rates are means: what changes at every event would fill the memory."""

    def __init__(self, left: Numbers) -> None:
        self._left = left
        self._since = np.zeros(len(left))
        self._had = left.copy()
        self._rate = np.zeros(len(left))
        self.steps: list[list[tuple[float, float]]] = [[] for _ in left]

    def begin(self, place: int, at_s: float) -> None:
        """The job moves from now on, at a rate that is still to be told."""
        self._since[place], self._had[place] = at_s, self._left[place]
        self._rate[place] = -1.0

    def changed(self, places: Places, rates: Numbers, at_s: float) -> None:
        """Those of them whose rate is no longer about what it was begin a new step."""
        before = self._rate[places]
        moved = np.abs(rates - before) > STEADY * np.abs(before)
        for place, rate in zip(places[moved].tolist(), rates[moved].tolist(), strict=True):
            self.end_step(place, at_s)
            self._rate[place] = rate

    def pause(self, place: int, at_s: float) -> None:
        """From now on nothing moves."""
        self.steps[place].append((at_s, 0.0))

    def end_step(self, place: int, at_s: float) -> None:
        """What moved since its last step is one step."""
        since, moved = float(self._since[place]), float(self._had[place] - self._left[place])
        if at_s > since:
            self.steps[place].append((since, moved / (at_s - since)))
        self._since[place], self._had[place] = at_s, self._left[place]


def _members(night: Night) -> tuple[Places, list[Resource]]:
    """A row a job with the places of what limits its rate, and those limits; rows end in the place after the last."""
    limits = [each for each in night.resources.values() if each.capacity < np.inf or each.steps]
    place = {each.key: number for number, each in enumerate(limits)}
    rows = [[place[key] for key in demand.resources if key in place] for demand in night.demands]
    width = max(1, *map(len, rows)) if rows else 1
    return np.array([row + [len(limits)] * (width - len(row)) for row in rows], dtype=np.intp).reshape(
        -1, width
    ), limits
