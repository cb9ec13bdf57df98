"""Who needs most of what is short: the running jobs behind which most still has to go the same way, with least slack.

Where each host gets what is short in proportion to its need, all end together, and none of them alone at the end with
a link that it cannot fill.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from math import inf

from backstay.planning.night.model import Demand, Resource

_LEAST_PART = 0.25
"""Of the mean need, what everybody has: one that has more than was foretold should end, too."""

_LEAST_SLACK = 0.1
"""Of the time that all takes at least: a host whose disk needs nearly all of it has ten times the weight, not more."""

_FIRST = 3.0
"""The weight of the job that will end first on its host, against the others there: then the next one opens its
repository while they move. Jobs that end together leave what they share idle."""


def needs_of(
    demands: Sequence[Demand],
    left: Mapping[str, float],
    running: Set[str],
    resources: Mapping[str, Resource],
    promised_s: Mapping[str, float],
) -> dict[str, float]:
    """For each running job its need against others'; the mean is 1.

    That is its part of what is left for its host, more the less slack that has; or what it takes to keep a promise, if
    that is more.

    Shape:  `demands` are all open jobs, `left` has the bytes that each still has to move, `promised_s` the seconds
            until a promise is broken, of those that have one to lose.
    """
    loads = _loads(demands, left)
    spans_s = _spans_s(loads, resources)
    span_s = max(spans_s.values(), default=0.0)
    needs: dict[str, float] = {}
    for host, jobs in _by_host(demands, running, resources).items():
        slack = max(_LEAST_SLACK, 1 - spans_s.get(host, 0.0) / span_s) if span_s else 1.0
        for job, part in _parts(jobs, left).items():
            hurry = span_s / max(1.0, promised_s.get(job, inf))
            needs[job] = max(part * loads.get(host, 0.0), left[job] * hurry) / slack
    return _scaled(needs)


def span_of(demands: Sequence[Demand], left: Mapping[str, float], resources: Mapping[str, Resource]) -> float:
    """Seconds that all that is left takes at least."""
    return max(_spans_s(_loads(demands, left), resources).values(), default=0.0)


def host_of(demand: Demand, resources: Mapping[str, Resource]) -> str | None:
    """The host whose disk it reads."""
    return next((key for key in demand.resources if resources[key].kind == "host"), None)


def _spans_s(loads: Mapping[str, float], resources: Mapping[str, Resource]) -> dict[str, float]:
    """Seconds that each resource has to do at least; one that carries nothing at this hour has nothing to do."""
    return {key: load / resources[key].capacity for key, load in loads.items() if load and resources[key].capacity}


def _loads(demands: Iterable[Demand], left: Mapping[str, float]) -> dict[str, float]:
    """Bytes that still have to go over each resource."""
    loads: dict[str, float] = {}
    for demand in demands:
        for key in demand.resources:
            loads[key] = loads.get(key, 0.0) + left[demand.key]
    return loads


def _by_host(
    demands: Iterable[Demand], running: Set[str], resources: Mapping[str, Resource]
) -> Mapping[str, Sequence[str]]:
    """The running jobs of each host; those that need none are together."""
    jobs: dict[str, list[str]] = {}
    for demand in demands:
        if demand.key in running:
            jobs.setdefault(host_of(demand, resources) or "", []).append(demand.key)
    return jobs


def _parts(jobs: Sequence[str], left: Mapping[str, float]) -> dict[str, float]:
    """Who gets which part of what its host gets."""
    first = min(jobs, key=lambda job: (left[job], job))
    whole = _FIRST + len(jobs) - 1
    return {job: (_FIRST if job == first else 1.0) / whole for job in jobs}


def _scaled(needs: Mapping[str, float]) -> dict[str, float]:
    mean = sum(needs.values()) / len(needs) if needs else 0.0
    return {key: max(_LEAST_PART, need / mean) if mean else 1.0 for key, need in needs.items()}
