"""A night as lists of numbers by place, for what is computed a hundred thousand times.

Places follow the keys, so that nothing depends on the order in which demands and resources were listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from .model import ALWAYS, Demand, Night, Resource
from .supply import Supply, supply_of

AT_ONCE = 1000.0
"""By how much per second a volume moves that nothing slows: all of it within a millisecond."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One night. `rated` are a demand's resources with a capacity, `slotted` those with slots, both as places.

    `own` is a demand's own rate, `solo` the least time that it can take; `before` and `behind` are who waits for
    whom; `order` has nobody before one that it waits for. `supplies` carry the capacities by time. `slots` are whole
    ones, and as many as are held already where that is more; zero where a resource has no limit. Where not
    `bound_to_time`, a demand may begin at any time and takes as long whenever that is. `way` are places in `ways`.
    """

    demands: tuple[Demand, ...]
    resources: tuple[Resource, ...]
    supplies: tuple[Supply, ...]
    slots: tuple[int, ...]
    own: tuple[float, ...]
    solo: tuple[float, ...]
    rated: tuple[tuple[int, ...], ...]
    slotted: tuple[tuple[int, ...], ...]
    before: tuple[tuple[int, ...], ...]
    behind: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]
    running: frozenset[int]
    bound_to_time: tuple[bool, ...]
    way: tuple[int, ...]
    ways: tuple[Way, ...]

    def openings(self, place: int, since: float) -> Iterator[tuple[float, float]]:
        """When it may start from then on, as (from when, before when); one that runs already has begun at zero."""
        if place in self.running:
            close = next((b for a, b in self.demands[place].open if a <= 0 < b), 0.0)
            if not self.demands[place].stop or close > 0:
                yield 0.0, close or inf
            return
        for opens, closes in self.demands[place].open:
            if closes > since:
                yield max(opens, since), closes

    def alone(self, place: int, start: float) -> float:
        """When it would end if it began then and had all that it uses for itself."""
        demand = self.demands[place]
        moving = start + demand.prep_s
        stepped = [self.supplies[at] for at in self.rated[place] if self.supplies[at].steps]
        if not stepped:
            return start + self.solo[place]
        plain = min(
            (self.supplies[at].rates[0] for at in self.rated[place] if not self.supplies[at].steps), default=inf
        )
        return _moved(demand.volume, moving, min(self.own[place], plain), stepped)

    def first_fit(self, place: int, since: float) -> tuple[float, float] | None:
        """The first (start, end) in its open intervals if it had all that it uses for itself; None: there is none."""
        stop = self.demands[place].stop
        if self.solo[place] == inf:
            return None
        for start, close in self.openings(place, since):
            end = self.alone(place, start)
            if end < inf and (not stop or end <= close):
                return start, end
        return None


def figures_of(night: Night, running: Set[str] = frozenset()) -> Figures:
    """The night, with those that hold their slots already."""
    demands = tuple(sorted(night.demands, key=lambda demand: demand.key))
    resources = tuple(night.resources[key] for key in sorted(night.resources))
    supplies = tuple(supply_of(resource) for resource in resources)
    ways = Ways(resources, supplies)
    own, solo, rated, slotted, timed, taken = [], [], [], [], [], []
    for demand in demands:
        volume = demand.volume
        number = ways.numbers.get(demand.resources)
        if number is None:
            number = ways.add(demand.resources)
        taken.append(number)
        way = ways.all[number]
        rate = demand.own_rate if demand.own_rate < inf else volume * AT_ONCE
        own.append(rate)
        rated.append(way.rated if volume > 0 else ())
        slotted.append(way.slotted)
        pace = min(rate, way.most)
        least = demand.prep_s + (volume / pace if pace > 0 else inf) if volume > 0 else demand.prep_s
        solo.append(inf if way.shut and demand.key not in running else least)
        timed.append(least == inf or way.shut or way.stepped or demand.open != ALWAYS or demand.key in running)
    places = {demand.key: place for place, demand in enumerate(demands)}
    held = frozenset(places[key] for key in running)
    before = tuple(
        () if place in held or not demand.after else tuple(sorted({places[key] for key in demand.after}))
        for place, demand in enumerate(demands)
    )
    behind = _behind(before)
    return Figures(
        demands,
        resources,
        supplies,
        _whole_slots(resources, [slotted[place] for place in held]),
        tuple(own),
        tuple(solo),
        tuple(rated),
        tuple(slotted),
        before,
        behind,
        _ordered(before, behind),
        held,
        tuple(timed),
        tuple(taken),
        tuple(ways.all),
    )


def _whole_slots(resources: tuple[Resource, ...], held: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    taken = Counter(at for uses in held for at in uses)
    return tuple(
        max(int(resource.slots), taken[at]) if resource.slots < inf else 0 for at, resource in enumerate(resources)
    )


class Way(NamedTuple):
    """What a list of resources comes to: those with a capacity, those with slots, the highest rate; `shut`: no slot."""

    rated: tuple[int, ...]
    slotted: tuple[int, ...]
    most: float
    shut: bool
    stepped: bool


class Ways:
    """Ways by the keys on them; many demands take the same."""

    def __init__(self, resources: Sequence[Resource], supplies: Sequence[Supply]) -> None:
        self.resources, self.supplies = resources, supplies
        self.spots = {resource.key: at for at, resource in enumerate(resources)}
        self.capped = [supply.least < inf for supply in supplies]
        self.limited = [resource.slots < inf for resource in resources]
        self.numbers: dict[tuple[str, ...], int] = {}
        self.all: list[Way] = []

    def add(self, keys: tuple[str, ...]) -> int:
        """The number of the way over those resources, each counted once."""
        uses = dict.fromkeys([self.spots[key] for key in keys])
        rated = tuple([at for at in uses if self.capped[at]])
        slotted = tuple([at for at in uses if self.limited[at]])
        most = min([self.supplies[at].most for at in rated], default=inf)
        shut = any(self.resources[at].slots < 1 for at in slotted)
        self.all.append(Way(rated, slotted, most, shut, any(self.supplies[at].steps for at in rated)))
        self.numbers[keys] = len(self.all) - 1
        return self.numbers[keys]


def _behind(before: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    behind: list[list[int]] = [[] for _ in before]
    for place, waits in enumerate(before):
        for other in waits:
            behind[other].append(place)
    return tuple(map(tuple, behind))


def _ordered(before: tuple[tuple[int, ...], ...], behind: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    waiting = [len(waits) for waits in before]
    order = [place for place, count in enumerate(waiting) if count == 0]
    for place in order:
        for other in behind[place]:
            waiting[other] -= 1
            if waiting[other] == 0:
                order.append(other)
    return tuple(order)


def _moved(volume: float, start: float, rate: float, stepped: list[Supply]) -> float:
    """When a volume has moved that begins then, at the least of what the supplies carry from moment to moment."""
    now = start
    turns = sorted({turn for supply in stepped for turn in supply.times if turn > start})
    for until in (*turns, inf):
        pace = min(rate, min(supply.at(now) for supply in stepped))
        if pace > 0 and now + volume / pace <= until:
            return now + volume / pace
        volume -= pace * (until - now) if until < inf else 0.0
        now = until
    return inf
