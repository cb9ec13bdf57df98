"""Who holds what at one moment of a night that is played: a job's rate, and what a resource has left for others."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from .figures import Figures
from .model import ALWAYS, Demand, Resource
from .supply import Supply

DUST = 1e-9
"""The part of a capacity below which what is in use comes from adding and subtracting."""


class Shared:
    """A resource. `spare` is what nobody uses, `owed` what is promised beyond what is about to come free.

    `firm` is what no cut may take, `slots` those that nobody holds. `waiting` and `short` are heaps of ranks: who waits
    to start, and who runs with less than it could.
    """

    __slots__ = (
        "capacity",
        "firm",
        "flows",
        "freed",
        "idle_from",
        "most",
        "number",
        "owed",
        "share",
        "short",
        "slots",
        "spare",
        "supply",
        "touched",
        "waiting",
    )

    def __init__(self, number: int, resource: Resource, supply: Supply) -> None:
        self.number, self.supply, self.share = number, supply, resource.share
        self.capacity = self.spare = supply.rates[0]
        self.most = self.capacity * self.share
        self.idle_from = self.capacity - DUST * self.capacity
        self.owed = self.firm = 0.0
        self.slots = float(int(resource.slots)) if resource.slots < inf else inf
        self.waiting: list[int] = []
        self.short: list[int] = []
        # Only where rates may be cut it is known who has them.
        self.flows: dict[int, Job] | None = {} if resource.share < 1 or supply.steps else None
        self.freed = self.touched = False

    def take(self, rate: float) -> None:
        """So much more is used; less, if it is negative."""
        spare = self.spare - rate
        self.spare = spare if spare < self.idle_from else self.capacity

    def widen(self, capacity: float) -> None:
        """Another capacity from now on; what is spare may fall below zero."""
        self.spare += capacity - self.capacity
        self.capacity, self.most = capacity, capacity * self.share
        self.idle_from = capacity - DUST * capacity

    def is_wanted(self) -> bool:
        """Whether others wait for more of it, and not for a slot."""
        return bool(self.waiting) and self.slots >= 1

    def cuttable(self) -> Iterable[Job]:
        """Those whose rates may be cut, in the order in which they began."""
        return list(self.flows.values()) if self.flows else ()


class Job:
    """A demand at work: its rate since when, what was left then, and what it `held` of its resources."""

    __slots__ = (
        "about_to_end",
        "behind",
        "end",
        "firm",
        "floor",
        "held",
        "left",
        "missing",
        "narrow",
        "own",
        "parked_since",
        "place",
        "pledge",
        "prep",
        "rank",
        "rate",
        "rated",
        "rates",
        "release",
        "short_of",
        "since",
        "slotted",
        "start",
        "version",
        "waited_for",
        "waited_s",
    )

    def __init__(
        self, figures: Figures, place: int, rank: int, rated: tuple[Shared, ...], slotted: tuple[Shared, ...]
    ) -> None:
        demand: Demand = figures.demands[place]
        self.place, self.rank = place, rank
        self.own, self.prep, self.left, self.release = (
            figures.own[place],
            demand.prep_s,
            demand.volume,
            demand.release_s,
        )
        self.rated, self.slotted = rated if demand.volume > 0 else (), slotted
        self.firm = demand.stop and demand.open != ALWAYS
        self.narrow = demand.open != ALWAYS
        self.missing, self.behind = len(figures.before[place]), figures.behind[place]
        self.rate = self.since = self.held = self.pledge = self.floor = self.start = self.parked_since = (
            self.waited_s
        ) = 0.0
        self.version = 0
        self.about_to_end = False
        self.short_of: Shared | None = None
        self.end: float | None = None
        self.rates: list[tuple[float, float]] = []
        self.waited_for: int | None = None

    def offer(self, theta: float) -> tuple[float, Shared | None]:
        """The rate that it could start with, zero if that is less than `theta` of its need; and where there is least.

        What is about to end has gone when it has prepared; what must end by a close has to be certain.
        """
        ahead = self.prep > 0 and not self.firm
        need, room, tight = self.own, inf, None
        for at in self.rated:
            if at.most < need:
                need = at.most
            free, owed = at.spare, at.owed
            if ahead or owed > 0:
                free -= owed
            if free < room:
                room, tight = free, at
        return (0.0 if room <= 0 or room < theta * need else room if room < need else need), tight

    def need(self) -> float:
        """The most that it is sure to have: what it would have alone, or the share of one while others wait."""
        need = self.own
        for at in self.rated:
            if at.most < need:
                need = at.most
        return need

    def most(self) -> float:
        """What it would have alone."""
        most = self.own
        for at in self.rated:
            if at.capacity < most:
                most = at.capacity
        return most

    def could_have(self) -> tuple[float, Shared | None]:
        """The rate that it could rise to now, and what keeps it from more."""
        most, tight, held = self.own, None, self.held
        for at in self.rated:
            room = at.spare + held
            if at.owed > 0:
                room -= at.owed
            if at.share < 1 and at.is_wanted():
                room = min(room, at.share * at.capacity)
            if room < most:
                most, tight = room, at
        return (most if most > 0 else 0.0), tight

    def waited(self, what: int, span: float) -> None:
        """So long at a stretch for that; the longest is kept."""
        if span > self.waited_s:
            self.waited_for, self.waited_s = what, span
