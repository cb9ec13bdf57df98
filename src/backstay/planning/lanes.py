"""When jobs run: each takes, in its order, the lane that is free first.

The seam for hosts, links, targets, windows and rates: today a fixed number of equal lanes.
A job that waits for another holds its lane meanwhile, as a run does.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from .jobs import Job


def as_soon(ordered: Sequence[Job], lanes: int, now: datetime) -> list[Job]:
    """The jobs at the first times that their order allows. One more lane never makes any of them later."""
    return _placed(ordered, lanes, now, [now] * len(ordered))


def as_late(ordered: Sequence[Job], lanes: int, now: datetime) -> list[Job]:
    """The jobs as late as they may start while those behind them still start in time; none before `now`."""
    return _placed(ordered, lanes, now, _latest_starts(ordered, lanes))


def _latest_starts(ordered: Sequence[Job], lanes: int) -> list[datetime]:
    if not ordered:
        return []
    never = datetime.max.replace(tzinfo=ordered[0].start_at.tzinfo)
    taken = [never] * lanes  # ascending: from when on each lane is needed
    needed: dict[str, datetime] = {}  # by when a workload's earlier job must have ended
    starts = []
    for job in reversed(ordered):
        start = min(job.latest_start_at, min(taken.pop(), needed.get(job.workload, never)) - job.length)
        insort(taken, start)
        for name in (*job.after, job.workload):
            needed[name] = min(start, needed.get(name, never))
        starts.append(start)
    return starts[::-1]


def _placed(ordered: Sequence[Job], lanes: int, now: datetime, wanted: Sequence[datetime]) -> list[Job]:
    """Times not before those `wanted`, nor before a lane is free and what a job waits for has ended."""
    free = [now] * lanes
    ended: dict[str, datetime] = {}
    placed = []
    for job, start in zip(ordered, wanted, strict=True):
        before = [ended[name] for name in (*job.after, job.workload) if name in ended]
        start = max([free[0], start, *before])
        end = ended[job.workload] = start + job.length
        heapq.heapreplace(free, end)
        placed.append(replace(job, start_at=start, end_at=end))
    return placed
