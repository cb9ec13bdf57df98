"""In which order jobs are done.

What must have ended first goes first: no other order on one lane lets a job start less late than the latest one here.
Ordering by latest start would put a long job before a short one that has no time to wait for it.

Source: M. Pinedo, Scheduling, section 3.2 (Jackson's rule, and Lawler's for what waits for another).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from graphlib import CycleError, TopologicalSorter

from .jobs import Job

Waits = Mapping[int, set[int]]
"""By place: the places of what must be done before."""


def in_order(jobs: Sequence[Job]) -> list[Job]:
    """The jobs so that nothing comes before what it waits for, and members of a group are next to one another.

    The first job of a workload waits for the first of each that it comes `after`, the second for the second, and so on.
    A group is not kept together where something outside must come between its members.
    Raises: graphlib.CycleError if jobs wait for one another.
    """
    # Sorted first, so that the plan does not depend on the order in which workloads are listed.
    listed = sorted(jobs, key=lambda job: (job.latest_start_at, job.workload))
    spans = {place: _Span(job.latest_start_at, job.length) for place, job in enumerate(listed)}
    rounds = _rounds(listed)
    waits = _waits(listed, rounds)
    block_of = _blocks(listed, rounds, waits)
    blocks: dict[int, list[int]] = {}
    for place, block in enumerate(block_of):
        blocks.setdefault(block, []).append(place)
    inside = {block: _by_end({place: spans[place] for place in places}, waits) for block, places in blocks.items()}
    joined = {block: _joined([spans[place] for place in places]) for block, places in inside.items()}
    return [listed[place] for block in _by_end(joined, _between(block_of, waits)) for place in inside[block]]


@dataclass(frozen=True, slots=True)
class _Span:
    latest: datetime
    length: timedelta


def _rounds(jobs: Sequence[Job]) -> list[int]:
    """For each job, how many of the same workload come before it."""
    count: dict[str, int] = {}
    rounds = []
    for job in jobs:
        rounds.append(count.get(job.workload, 0))
        count[job.workload] = rounds[-1] + 1
    return rounds


def _waits(jobs: Sequence[Job], rounds: Sequence[int]) -> Waits:
    """What each job comes after in its own round, and its own workload's job of the round before."""
    turns = [(number, job.workload) for number, job in zip(rounds, jobs, strict=True)]
    places = {turn: place for place, turn in enumerate(turns)}
    waits = {}
    for place, (number, name) in enumerate(turns):
        before = [(number - 1, name), *((number, other) for other in jobs[place].after)]
        waits[place] = {places[turn] for turn in before if turn in places}
    return waits


def _blocks(jobs: Sequence[Job], rounds: Sequence[int], waits: Waits) -> list[int]:
    """By job, the place of the first in its block: its group in its round, unless the block would wait for itself."""
    torn: set[tuple[int, str | None]] = set()
    while True:
        first: dict[tuple[int, str | None], int] = {}
        keys = [(number, job.group) for number, job in zip(rounds, jobs, strict=True)]
        block_of = [
            first.setdefault(key, place) if key[1] and key not in torn else place for place, key in enumerate(keys)
        ]
        try:
            TopologicalSorter(_between(block_of, waits)).prepare()
        except CycleError as cycle:
            on_the_way = {keys[block] for block in cycle.args[1] if keys[block] in first}
            if not on_the_way:
                raise
            torn |= on_the_way
        else:
            return block_of


def _between(block_of: Sequence[int], waits: Waits) -> Waits:
    """What each block waits for."""
    between: dict[int, set[int]] = {}
    for place, block in enumerate(block_of):
        between.setdefault(block, set()).update(block_of[before] for before in waits[place])
    for block, before in between.items():
        before.discard(block)
    return between


def _joined(spans: Sequence[_Span]) -> _Span:
    """One span for several one after another: how late the first may start so that none is late."""
    latest, length = spans[0].latest, timedelta(0)
    for span in spans:
        latest = min(latest, span.latest - length)
        length += span.length
    return _Span(latest, length)


def _by_end(spans: Mapping[int, _Span], waits: Waits) -> list[int]:
    """Their places by when each must have ended; what is waited for must have ended before the other's latest start."""
    graph = {place: waits[place] & spans.keys() for place in spans}
    topological = list(TopologicalSorter(graph).static_order())
    end = {place: span.latest + span.length for place, span in spans.items()}
    for place in reversed(topological):
        for before in graph[place]:
            end[before] = min(end[before], end[place] - spans[place].length)
    return sorted(topological, key=lambda place: end[place])
