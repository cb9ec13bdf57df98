"""What would shorten a night, and what would not: bought where nothing binds, speed saves nothing."""

from __future__ import annotations

from collections.abc import Iterator, Set
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
    """The binding resource and the runners-up, each with what a fifth more of its rate or of its slots would save."""
    parts = schedule.bound.parts
    limited = [key for key in parts if key != "path" and any(_widened(night.resources[key]))]
    keys = sorted(limited, key=lambda key: (-parts[key], key))[:LOOKED_AT]
    reliefs = tuple(_relief(night, schedule, night.resources[key], running) for key in keys)
    return (_path(schedule), *reliefs) if schedule.bound.binding == "path" else reliefs


def _relief(night: Night, schedule: Schedule, resource: Resource, running: Set[str]) -> Relief:
    """The better of a higher rate and more slots."""
    before = schedule.bound if not schedule.unplaced else bound(night, running)
    tried = []
    for more, wider in _widened(resource):
        changed = replace(night, resources={**night.resources, resource.key: wider})
        by_bound = max(0.0, before.knee_s - bound(changed, running).knee_s)
        replanned = None
        if len(night.demands) <= REPLANNED:
            # Room for more jobs is not a loss, even if the night takes longer then.
            replanned = max(0.0, schedule.makespan_s - plan_night(changed, running).makespan_s)
        relief = Relief(resource.key, schedule.bound.binding == resource.key, by_bound, replanned, "")
        tried.append(replace(relief, text=_said(resource, more, relief.saves_s)))
    return max(tried, key=lambda relief: relief.saves_s)


def _widened(resource: Resource) -> Iterator[tuple[str, Resource]]:
    """What may be more of it, and the resource with it."""
    if resource.capacity < inf or resource.steps:
        steps = tuple((since, capacity * MORE) for since, capacity in resource.steps)
        yield "+20 %", replace(resource, capacity=resource.capacity * MORE, steps=steps)
    if resource.slots < inf:
        slots = ceil(resource.slots * MORE)
        yield f"{slots} slots", replace(resource, slots=slots)


def _said(resource: Resource, more: str, saves_s: float) -> str:
    name = told(resource.key) if ":" in resource.key else f"{resource.kind} {resource.key}"
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
