"""The least time that any plan of a night needs, whatever its order and rates.

What a resource must carry cannot have been carried before its capacity allows it, counted from the moment when the
first of it can begin; likewise the times for which slots must be held. A chain of jobs takes its jobs' least times.

Source: J. Carlier, The one-machine sequencing problem, EJOR 11 (1982): the same bound for every set of late heads.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from math import inf

import numpy as np
import numpy.typing as npt

from .figures import Figures, figures_of
from .model import Bound, Night
from .supply import Supply, all_the_time

Heads = Sequence[tuple[float, float] | None]
"""By place: the earliest (start, end) of each demand; None: no interval has room for it."""

Uses = Sequence[tuple[int, ...]]
"""By place: the resources that a demand uses."""

Numbers = npt.NDArray[np.float64]


def bound(night: Night, running: Set[str] = frozenset()) -> Bound:
    """No plan of all that can be placed ends earlier. Those `running` hold their slots already.

    Demands that no interval has room for even alone, and those after them, are not counted.
    """
    figures = figures_of(night, running)
    return bound_of(figures, heads_of(figures))


def heads_of(figures: Figures) -> list[tuple[float, float] | None]:
    """The earliest start and end of each demand if nobody else were there but those that it waits for."""
    heads: list[tuple[float, float] | None] = [None] * len(figures.demands)
    bound_to_time = figures.bound_to_time
    for place in figures.order:
        ready = figures.demands[place].release_s
        for other in figures.before[place]:
            ended = heads[other]
            ready = max(ready, ended[1] if ended else inf)
        if not bound_to_time[place]:
            heads[place] = (ready, ready + figures.solo[place]) if ready < inf else None
        else:
            heads[place] = figures.first_fit(place, ready) if ready < inf else None
    return heads


def bound_of(figures: Figures, heads: Heads, only: Set[int] | None = None) -> Bound:
    """The bound of the demands that can be placed, or of those at the places `only`."""
    counted = [place for place, head in enumerate(heads) if head is not None and (only is None or place in only)]
    shut = _shut(figures, counted)
    carried = [_within(supply, shut.get(at)) for at, supply in enumerate(figures.supplies)]
    held = [_within(all_the_time(slots), shut.get(at)) for at, slots in enumerate(figures.slots)]
    starts = np.array([head[0] if head is not None else 0.0 for head in heads])
    solo = np.array(figures.solo)
    moving = starts + np.array([demand.prep_s for demand in figures.demands])
    volumes = np.array([demand.volume for demand in figures.demands])
    physics = _least(_Loads(figures.rated, counted, moving, volumes), carried)
    turns = _Loads(figures.slotted, counted, starts, solo)
    knee = _least(turns, held)
    for at, least in _shared(turns, np.array(figures.slots)).items():
        knee[at] = max(knee[at], least)
    path = max((head[1] for place in counted if (head := heads[place])), default=0.0)
    return _joined(figures, path, physics, knee)


def _joined(figures: Figures, path: float, physics: dict[int, float], knee: dict[int, float]) -> Bound:
    parts = {"path": path}
    for at in sorted({*physics, *knee}):
        parts[figures.resources[at].key] = max(physics.get(at, 0.0), knee.get(at, 0.0))
    # Of equals a resource rather than the path: it can be widened.
    binding = max(parts, key=lambda key: (parts[key], key != "path", key))
    return Bound(max([path, *physics.values()]), parts[binding], binding, parts)


class _Loads:
    """What resources must carry: one entry a resource and job, by resource, and there the latest head first."""

    def __init__(self, uses: Uses, counted: Sequence[int], heads: Numbers, amounts: Numbers) -> None:
        jobs = np.repeat(np.array(counted, dtype=np.int64), [len(uses[place]) for place in counted])
        resources = np.array([at for place in counted for at in uses[place]], dtype=np.int64)
        order = np.lexsort((-heads[jobs], resources)) if len(jobs) else jobs
        self.resources, self.heads, self.amounts = resources[order], heads[jobs[order]], amounts[jobs[order]]
        self.keys, self.firsts = np.unique(self.resources, return_index=True)

    def sums(self, amounts: Numbers) -> Numbers:
        """Running sums within each resource."""
        total = np.cumsum(amounts)
        before = (total - amounts)[self.firsts]
        return total - np.repeat(before, np.diff([*self.firsts, len(amounts)]))


def _least(loads: _Loads, supplies: Sequence[Supply]) -> dict[int, float]:
    """When all can have been carried: for each moment, what cannot begin before it cannot end before that."""
    if not len(loads.keys):
        return {}
    sums = loads.sums(loads.amounts)
    plain = np.array([supply.rates[0] if not supply.steps and supply.rates[0] > 0 else inf for supply in supplies])
    ends = np.maximum.reduceat(loads.heads + sums / plain[loads.resources], loads.firsts)
    least = dict(zip(loads.keys.tolist(), ends.tolist(), strict=True))
    for at, first, last in zip(loads.keys.tolist(), loads.firsts, [*loads.firsts[1:], len(sums)], strict=True):
        if supplies[at].steps:
            turns = zip(loads.heads[first:last].tolist(), sums[first:last].tolist(), strict=True)
            least[at] = max(supplies[at].carried_by(head, load) for head, load in turns)
    return least


def _shared(turns: _Loads, slots: Numbers) -> dict[int, float]:
    """Of k × slots + 1 jobs some k + 1 share a slot: they take as long as the shortest of them one after another."""
    if not len(turns.keys):
        return {}
    order = np.lexsort((-turns.amounts, turns.resources))
    sums = np.concatenate([[0.0], np.cumsum(turns.amounts[order])])
    where = np.arange(len(order))
    sizes = np.diff([*turns.firsts, len(order)])
    place, width = where - np.repeat(turns.firsts, sizes), slots[turns.resources]
    spans = sums[where + 1] - sums[where - place // width]
    first = np.minimum.reduceat(turns.heads, turns.firsts)
    return dict(zip(turns.keys.tolist(), (first + np.maximum.reduceat(spans, turns.firsts)).tolist(), strict=True))


def _shut(figures: Figures, counted: Sequence[int]) -> dict[int, list[tuple[float, float]]]:
    """The open times of resources whose every demand must stop at the close: outside them they are of no use."""
    if not any(demand.stop for demand in figures.demands):
        return {}
    times: dict[int, set[tuple[float, float]]] = {}
    always: set[int] = set()
    for place in counted:
        demand = figures.demands[place]
        for at in {*figures.rated[place], *figures.slotted[place]}:
            if demand.stop and place not in figures.running:
                times.setdefault(at, set()).update(demand.open)
            else:
                always.add(at)
    return {at: sorted(pairs) for at, pairs in times.items() if at not in always}


def _within(supply: Supply, open_times: Sequence[tuple[float, float]] | None) -> Supply:
    return supply if open_times is None or open_times[0] == (0.0, inf) else supply.within(open_times)
