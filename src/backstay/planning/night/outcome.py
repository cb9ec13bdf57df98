"""What a night that was played comes to: how much it loses, and the schedule in the model's words."""

from __future__ import annotations

from math import inf

import numpy as np

from .bounds import Heads, bound_of
from .figures import Figures
from .holding import Job
from .model import Bound, Placement, Schedule

Losses = tuple[int, int, float]
"""How many have no place, how many are late, and when the last one ends: less is better, in this order."""


def losses(figures: Figures, jobs: list[Job]) -> Losses:
    """What the jobs, as they were played, lose."""
    unplaced = sum(1 for job in jobs if job.end is None)
    return unplaced, len(_late(figures, jobs)), max((job.end for job in jobs if job.end is not None), default=0.0)


def _late(figures: Figures, jobs: list[Job]) -> list[str]:
    return [
        demand.key
        for demand, job in zip(figures.demands, jobs, strict=True)
        if demand.deadline_s < inf and (job.end is None or job.end > demand.deadline_s)
    ]


def schedule_of(figures: Figures, heads: Heads, least: Bound, jobs: list[Job]) -> Schedule:
    """The jobs as they were played. The bound is that of the demands that were placed."""
    # What a job waited for is a place in these, and the last one is what `WINDOW` points at.
    names = [*(resource.key for resource in figures.resources), *(demand.key for demand in figures.demands), "window"]
    placements = [
        Placement(demand.key, job.start, job.end, tuple(job.rates), _named(names, job.waited_for))
        for demand, job in zip(figures.demands, jobs, strict=True)
        if job.end is not None
    ]
    unplaced = {job.place for job in jobs if job.end is None}
    return Schedule(
        placements=tuple(placements),
        makespan_s=max((placement.end_s for placement in placements), default=0.0),
        late=tuple(_late(figures, jobs)),
        bound=bound_of(figures, heads, {*range(len(jobs))} - unplaced) if unplaced else least,
        peak=_peak(placements),
        unplaced=tuple(figures.demands[place].key for place in sorted(unplaced)),
    )


def _named(names: list[str], what: int | None) -> str | None:
    return None if what is None else names[what]


def _peak(placements: list[Placement]) -> int:
    """The most at once; at one moment, those that end go before those that start."""
    spans = [(one.start_s, one.end_s) for one in placements if one.end_s > one.start_s]
    if not spans:
        return 0
    starts, ends = np.sort(np.array(spans), axis=0).T
    return int((np.arange(1, len(spans) + 1) - np.searchsorted(ends, starts, side="right")).max())
