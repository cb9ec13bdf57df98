"""What a night is made of, in plain numbers: resources that jobs share, and the demands that jobs make on them.

Seconds count from the moment of planning; volumes are bytes, rates bytes per second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal, NamedTuple

ResourceKind = Literal["host", "link", "target", "pool"]

ALWAYS = ((0.0, inf),)


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that jobs share.

    `slots` are jobs at a time: what was set, or the knee beyond which another stream only costs. `steps` are later
    capacities as (from when, how much), ascending. `share` is the most of the capacity that one job gets while others
    wait for it. `loss` is the part of the capacity that each stream beyond the slots destroys, for patterns that keep
    no slots.
    """

    key: str
    kind: ResourceKind
    capacity: float = inf
    slots: float = inf
    steps: tuple[tuple[float, float], ...] = ()
    share: float = 1.0
    loss: float = 0.0

    def capacity_at(self, at_s: float) -> float:
        """What it carries at that moment."""
        return next((capacity for since, capacity in reversed(self.steps) if since <= at_s), self.capacity)


@dataclass(frozen=True, slots=True)
class Demand:
    """A job before it has a time.

    `volume` moves at `own_rate` at most, after `prep_s` in which slots are held and nothing moves. `deadline_s` is when
    it must have ended for its RPO to hold. It may start in the intervals `open` only; with `stop` it must also have
    ended in the one in which it began; where none is long enough it has no place.
    """

    key: str
    volume: float
    own_rate: float = inf
    prep_s: float = 0.0
    release_s: float = 0.0
    deadline_s: float = inf
    after: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    kind: str = "files"
    group: str | None = None
    open: tuple[tuple[float, float], ...] = ALWAYS
    stop: bool = False


@dataclass(frozen=True, slots=True)
class Night:
    """Everything that a plan is made from. Demands name only resources, and each other, that are here."""

    demands: tuple[Demand, ...]
    resources: Mapping[str, Resource]


@dataclass(frozen=True, slots=True)
class Bound:
    """The least time that any plan needs. `physics_s` counts bytes and chains, `knee_s` also what slots cost.

    `binding` is the key of the resource that decides it, or "path" for a chain of jobs (or one job) by itself.
    `parts` has the least time by resource and for "path".
    """

    physics_s: float
    knee_s: float
    binding: str
    parts: Mapping[str, float]


class Placement(NamedTuple):
    """A demand with its time. `rates` are its rates as (from when, bytes per second), the first from `start_s`.

    `held_by` is what it waited for longest before it could start: a resource's key, a job's key, "window", or None.
    A tuple, since a night makes tens of thousands, and one costs a fifth of a frozen dataclass.
    """

    key: str
    start_s: float
    end_s: float
    rates: tuple[tuple[float, float], ...]
    held_by: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A night with times. `late` are the keys that miss their deadline; `unplaced` those that no interval has room for.

    `peak` is the most jobs that run at once.
    """

    placements: tuple[Placement, ...]
    makespan_s: float
    late: tuple[str, ...]
    bound: Bound
    peak: int
    unplaced: tuple[str, ...] = ()
