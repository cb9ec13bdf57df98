"""What would shorten a night, and what would not: bought where nothing binds, speed saves nothing."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from math import ceil, inf

from .network import told
from .night.bounds import bound
from .night.model import Night, Resource, Schedule
from .night.portfolio import plan_night

MORE = 1.2
"""How much wider a resource is made, to see what that saves."""

LOOKED_AT = 4
"""Resources, those that need the most time first."""

REPLANNED = 500
"""Up to so many demands the widened night is planned, too."""

NOTEWORTHY_S = 1.0
"""What saves less saves nothing."""


@dataclass(frozen=True, slots=True)
class Relief:
    """What one wider resource saves: by the bound, and by a new plan where the night is small enough for one.

    `key` is "path" where a chain of jobs, or one job, takes all the time by itself: then no resource helps.
    """

    key: str
    binds: bool
    by_bound_s: float
    replanned_s: float | None
    text: str

    @property
    def saves_s(self) -> float:
        """What may be promised: the new plan's figure if there is one, and nothing where nothing binds.

        A plan that happens to be a little shorter with another resource wider could be had without it.
        """
        if self.by_bound_s < NOTEWORTHY_S or self.replanned_s is None:
            return self.by_bound_s
        return self.replanned_s


def advice_for(night: Night, schedule: Schedule, running: Set[str] = frozenset()) -> tuple[Relief, ...]:
    """The binding resource and the runners-up, each with what +20 % there (a pool: slots, rounded up) would save."""
    parts = schedule.bound.parts
    keys = sorted((key for key in parts if key != "path"), key=lambda key: (-parts[key], key))[:LOOKED_AT]
    reliefs = tuple(_relief(night, schedule, night.resources[key], running) for key in keys)
    return (_path(schedule), *reliefs) if schedule.bound.binding == "path" else reliefs


def _relief(night: Night, schedule: Schedule, resource: Resource, running: Set[str]) -> Relief:
    wider = replace(night, resources={**night.resources, resource.key: _widened(resource)})
    before = schedule.bound if not schedule.unplaced else bound(night, running)
    by_bound = max(0.0, before.knee_s - bound(wider, running).knee_s)
    replanned = None
    if len(night.demands) <= REPLANNED:
        plan = plan_night(wider, running)
        # Room for more jobs is not a loss, even if the night takes longer then.
        replanned = max(0.0, schedule.makespan_s - plan.makespan_s)
    relief = Relief(resource.key, schedule.bound.binding == resource.key, by_bound, replanned, "")
    return replace(relief, text=_said(resource, relief.saves_s))


def _widened(resource: Resource) -> Resource:
    if resource.capacity == inf and not resource.steps:
        return replace(resource, slots=ceil(resource.slots * MORE)) if resource.slots < inf else resource
    steps = tuple((since, capacity * MORE) for since, capacity in resource.steps)
    return replace(resource, capacity=resource.capacity * MORE, steps=steps)


def _said(resource: Resource, saves_s: float) -> str:
    name = told(resource.key) if ":" in resource.key else f"{resource.kind} {resource.key}"
    only_slots = resource.capacity == inf and not resource.steps
    more = f"{ceil(resource.slots * MORE)} slots" if only_slots and resource.slots < inf else "+20 %"
    if saves_s < NOTEWORTHY_S:
        return f"{more} on {name} saves nothing"
    return f"{more} on {name} shortens the window by {span(saves_s)}"


def _path(schedule: Schedule) -> Relief:
    text = f"{told('path')} takes {span(schedule.bound.parts['path'])} by itself: no wider resource makes it shorter"
    return Relief("path", True, 0.0, 0.0, text)


def span(seconds: float) -> str:
    """Seconds as people say them.

    >>> span(12.4), span(2460), span(9000)
    ('12 s', '41 min', '2 h 30 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
