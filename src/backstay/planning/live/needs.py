"""Who needs most of what is short: the running jobs for which most bytes still have to go the same way.

Where each gets what is short in proportion to its need, all hosts end together, and none of them alone at the end with
a link that it cannot fill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from math import inf

from backstay.planning.night.model import Demand, Resource

_SCARCE = ("host", "pool")
"""Kinds of which a job holds one of few slots: who waits for them waits for those that run there."""

_LEAST_PART = 0.25
"""Of the mean need, what everybody has: one that is nearly done, or has more than was foretold, should end, too."""


def needs_of(
    demands: Sequence[Demand],
    left: Mapping[str, float],
    running: Set[str],
    resources: Mapping[str, Resource],
    promised_s: Mapping[str, float],
) -> dict[str, float]:
    """For each running job its need against others'; the mean is 1.

    That is what is left of it, and its part of what waits for its slots; or what it takes to keep a promise, if that
    is more.

    Shape:  `demands` are all open jobs, `left` has the bytes that each still has to move, `promised_s` the seconds
            until a promise is broken, of those that have one to lose.
    """
    waiting, sharing = dict.fromkeys(resources, 0.0), dict.fromkeys(resources, 0)
    for demand in demands:
        for key in demand.resources:
            if demand.key in running:
                sharing[key] += 1
            else:
                waiting[key] += left[demand.key]
    span_s = _span_s(demands, left, resources)
    needs = {}
    for demand in demands:
        if demand.key in running:
            scarce = (key for key in demand.resources if resources[key].kind in _SCARCE)
            behind = max((waiting[key] / sharing[key] for key in scarce), default=0.0)
            hurry = span_s / max(1.0, promised_s.get(demand.key, inf))
            needs[demand.key] = max(left[demand.key] + behind, left[demand.key] * hurry)
    return _scaled(needs)


def _span_s(demands: Sequence[Demand], left: Mapping[str, float], resources: Mapping[str, Resource]) -> float:
    """How long all that is left takes at least."""
    loads = dict.fromkeys(resources, 0.0)
    for demand in demands:
        for key in demand.resources:
            loads[key] += left[demand.key]
    return max((load / resources[key].capacity for key, load in loads.items() if load), default=0.0)


def _scaled(needs: Mapping[str, float]) -> dict[str, float]:
    mean = sum(needs.values()) / len(needs) if needs else 0.0
    return {key: max(_LEAST_PART, need / mean) if mean else 1.0 for key, need in needs.items()}
