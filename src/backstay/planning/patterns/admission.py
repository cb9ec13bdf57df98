"""Which jobs may start now: each takes all that it needs, or nothing and waits.

No job holds a part of what it needs while it waits for the rest, so jobs never wait for one another in a ring.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import inf

from backstay.planning.live.sharing import LEAST, Flow
from backstay.planning.night.model import Night

from .rules import Rules, most_of, need_of, slots_of


def may_start(
    rules: Rules, waiting: Collection[str], running: Collection[str], night: Night, *, at_s: float = 0.0
) -> list[str]:
    """Those of the `waiting` that start now beside the `running`, in the order in which they do.

    Waiting are jobs whose window is open and whose predecessors have ended. Where nothing runs, the first of them
    always starts. Who is refused for want of rate keeps those behind it in the order from that resource, so that many
    small jobs never keep a large one waiting for ever.
    """
    return Room(rules, night, at_s=at_s, running=running).admitted(in_turn(rules, waiting, night))


def in_turn(rules: Rules, waiting: Collection[str], night: Night) -> list[str]:
    """The waiting jobs in the order in which they are asked whether they fit."""
    chosen = set(waiting)
    return sorted((demand.key for demand in night.demands if demand.key in chosen), key=rules.place)


def flows_of(rules: Rules, running: Iterable[str], night: Night, *, at_s: float = 0.0) -> dict[str, Flow]:
    """The claims of running jobs, for `sharing.fair_rates` over the capacities in force."""
    demands = {demand.key: demand for demand in night.demands}
    return {
        key: Flow(demands[key].resources, most_of(rules, demands[key], night, at_s), least=LEAST) for key in running
    }


def capacities_at(night: Night, at_s: float) -> dict[str, float]:
    """What each resource carries at that moment."""
    return {key: resource.capacity_at(at_s) for key, resource in night.resources.items()}


class Room:
    """What is free, at the capacities of one moment. `blockers` has what the refused of the last decision lacked."""

    def __init__(self, rules: Rules, night: Night, *, at_s: float = 0.0, running: Iterable[str] = ()) -> None:
        self._rules, self._night, self._at_s = rules, night, at_s
        self._demands = {demand.key: demand for demand in night.demands}
        self._slots = slots_of(rules, night)
        self._free = dict(self._slots.number)
        self._full = {name for name, free in self._free.items() if free < 1}
        self._needs: dict[str, float] = {}
        self._running: set[str] = set()
        self.blockers: dict[str, str] = {}
        for key in running:
            self.take(key)

    def take(self, key: str) -> None:
        """A job that runs has its slots."""
        self._running.add(key)
        self._count(key, -1)

    def give_back(self, key: str) -> None:
        """A job that ended has none."""
        self._running.discard(key)
        self._count(key, 1)

    def admitted(self, ordered: Iterable[str]) -> list[str]:
        """Those that fit, asked in this order; they have taken what they need."""
        before, self.blockers = self.blockers, {}
        ask = _Asking(self._tickets(), self._unreserved() if self._rules.start_share else {}, set(self._full))
        ask.gone.update(name for name, tickets in ask.tickets.items() if tickets < 1)
        started = []
        for key in ordered:
            lacks = before.get(key)
            # Most still lack what they lacked: nothing else of theirs needs a look.
            if lacks not in ask.gone:
                lacks = self._lacks(key, ask)
            if lacks is None:
                started.append(key)
                self._admit(key, ask)
            else:
                self.blockers[key] = lacks
        return started

    def _admit(self, key: str, ask: _Asking) -> None:
        self.take(key)
        for name in self._slots.taken_by[key]:
            if name in ask.tickets:
                ask.tickets[name] -= 1
            if self._free[name] < 1 or ask.tickets.get(name, 1) < 1:
                ask.gone.add(name)
        if ask.rates:
            self._reserve(key, ask.rates)

    def _lacks(self, key: str, ask: _Asking) -> str | None:
        """The first thing that a job does not get; what has too little rate for it is then gone for those behind it."""
        for name in self._slots.taken_by[key]:
            if name in ask.gone:
                return name
        if not ask.rates:
            return None
        least = self._rules.start_share * self._needed(key)
        for name in self._demands[key].resources:
            if name in ask.gone or ask.rates[name] < least:
                ask.gone.add(name)
                return name
        return None

    def _tickets(self) -> dict[str, float]:
        """How many each pool with batches starts now: whole batches only."""
        return {name: batch * (self._free[name] // batch) for name, batch in self._slots.batch.items()}

    def _unreserved(self) -> dict[str, float]:
        """What is left of each capacity when every running job, in its turn, has reserved as much of its need as is
        left to it. Dealt anew each time, so that who began with little has more once others end."""
        now = capacities_at(self._night, self._at_s)
        rates = {name: capacity * self._rules.ahead for name, capacity in now.items()}
        for key in sorted(self._running, key=lambda key: (self._rules.place(key), key)):
            self._reserve(key, rates)
        return rates

    def _reserve(self, key: str, rates: dict[str, float]) -> None:
        names = self._demands[key].resources
        rate = min([self._needed(key), *(rates[name] for name in names)])
        # Where nothing has an end, nothing is used up.
        for name in names if rate < inf else ():
            rates[name] -= rate

    def _needed(self, key: str) -> float:
        if key not in self._needs:
            self._needs[key] = need_of(self._rules, self._demands[key], self._night, self._at_s)
        return self._needs[key]

    def _count(self, key: str, sign: int) -> None:
        for name in self._slots.taken_by[key]:
            self._free[name] += sign
            (self._full.add if self._free[name] < 1 else self._full.discard)(name)


@dataclass(frozen=True, slots=True)
class _Asking:
    """One decision: starts left in each pool with batches, rates not reserved, and what has nothing left."""

    tickets: dict[str, float]
    rates: dict[str, float]
    gone: set[str]
