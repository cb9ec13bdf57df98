"""Who gets how much of what is shared: weighted max-min fair rates, and how to change them without ever too much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

LEAST = 16 * 1024.0
"""Bytes per second that a live job always gets where there is room: gateways hold it exactly, and 0 means no limit to
them."""

LEASTS_PART = 0.9
"""Of a capacity, what leasts may take together: the rest is for those who ask for none, so that nobody gets nothing."""

FULL_USE = 0.9
"""A job that takes less than this part of its grant is limited by something else."""

HEADROOM = 1.1
PROBE = 128 * 1024.0
"""A job that was slow gets so much more than it took, in parts and bytes per second, so that it can show it is not; but
no more than it took once more, for who takes nothing shall not keep it from others."""

_FULL = 1 - 1e-9

JUDGED = 3
"""Measurements before a grant is lent out, or given back."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A job's claim on what it names: at `least` and at `most` so much, and between them in proportion to `weight`."""

    resources: tuple[str, ...]
    most: float = inf
    weight: float = 1.0
    least: float = 0.0


def fair_rates(flows: Mapping[str, Flow], capacities: Mapping[str, float]) -> dict[str, float]:
    """Rates with which no capacity is exceeded, and nobody can have more unless one with less per weight has less.

    Where the leasts of all need more than nine tenths of a resource, each is cut in the proportion of its tightest
    one. With positive capacities and weights everybody gets something. The order of `flows` does not matter.

    Units:  bytes per second; weights are positive.
    Raises: KeyError if a flow names a resource without a capacity.
    """
    rates = _Filling(flows, capacities).rates()
    return {key: rates[key] for key in flows}


def with_what_is_left(flows: Mapping[str, Flow], capacities: Mapping[str, float]) -> dict[str, float]:
    """Fair rates, and beyond them what is then left of the capacities, shared without regard to anybody's `most`: that
    is a guess from what was, and what nobody else wants need not be kept from who may want it after all."""
    rates = fair_rates(flows, capacities)
    left = dict(capacities)
    for key, flow in flows.items():
        for name in flow.resources:
            left[name] -= rates[key] if left[name] < inf else 0.0
    free = {name for name, rest in left.items() if rest > capacities[name] * (1 - _FULL) or rest == inf}
    wanting = {
        key: Flow(flow.resources, inf, flow.weight) for key, flow in flows.items() if free >= set(flow.resources)
    }
    more = fair_rates(wanting, left)
    return {key: rate + more.get(key, 0.0) for key, rate in rates.items()}


class _Filling:
    """Progressive filling: one level rises for all; a flow follows it from its least until its most or a full resource.

    Everything changes only where a flow begins to rise, has its most, or a resource is full, so the level jumps from
    one such point to the next.
    """

    def __init__(self, flows: Mapping[str, Flow], capacities: Mapping[str, float]) -> None:
        self._flows = {key: flows[key] for key in sorted(flows)}
        self._least = _leasts(self._flows, capacities)
        self._level = 0.0
        # What has no end never fills.
        self._slack = {key: room for key, room in capacities.items() if room < inf}
        self._limits = {
            key: tuple(name for name in flow.resources if capacities[name] < inf) for key, flow in self._flows.items()
        }
        self._on: dict[str, list[str]] = {name: [] for name in self._slack}
        self._rising = dict.fromkeys(self._slack, 0)
        self._weight = dict.fromkeys(self._slack, 0.0)
        for key, names in self._limits.items():
            for name in names:
                self._slack[name] -= self._least[key]
                self._on[name].append(key)
        self._risen: set[str] = set()
        self._done: dict[str, float] = {}

    def rates(self) -> dict[str, float]:
        for level, key in self._turns():
            while (full := self._next_full()) and full[0] < level:
                self._rise_to(full[0])
                for other in self._on[full[1]]:
                    self._stop(other, max(self._least[other], self._level * self._flows[other].weight))
            if key in self._done:
                continue
            self._rise_to(level)
            if key in self._risen:
                self._stop(key, min(self._flows[key].most, level * self._flows[key].weight))
            else:
                self._begin(key)
        return self._done

    def _turns(self) -> Iterable[tuple[float, str]]:
        """For each flow the level at which it begins to rise, and the one at which it has its most."""
        turns = [(self._least[key] / flow.weight, 0, key) for key, flow in self._flows.items()]
        turns += [(max(flow.most, self._least[key]) / flow.weight, 1, key) for key, flow in self._flows.items()]
        return [(level, key) for level, _, key in sorted(turns)]

    def _next_full(self) -> tuple[float, str] | None:
        return min(
            (
                (self._level + max(0.0, self._slack[name]) / self._weight[name], name)
                for name, count in self._rising.items()
                if count
            ),
            default=None,
        )

    def _rise_to(self, level: float) -> None:
        rise = level - self._level
        for name, count in self._rising.items():
            if count:
                self._slack[name] -= rise * self._weight[name]
        self._level = level

    def _begin(self, key: str) -> None:
        self._risen.add(key)
        for name in self._limits[key]:
            self._rising[name] += 1
            self._weight[name] += self._flows[key].weight

    def _stop(self, key: str, rate: float) -> None:
        if key in self._done:
            return
        self._done[key] = rate
        if key in self._risen:
            for name in self._limits[key]:
                self._rising[name] -= 1
                self._weight[name] -= self._flows[key].weight


def _leasts(flows: Mapping[str, Flow], capacities: Mapping[str, float]) -> dict[str, float]:
    """What each flow surely gets: all of its least, or the part that its tightest resource has for everybody's."""
    wanted = {key: min(flow.least, flow.most) for key, flow in flows.items()}
    asked = dict.fromkeys(capacities, 0.0)
    for key, flow in flows.items():
        for name in flow.resources:
            asked[name] += wanted[key]
    part = {name: min(1.0, LEASTS_PART * capacities[name] / total) for name, total in asked.items() if total > 0}
    return {
        key: wanted[key] * min((part.get(name, 1.0) for name in flow.resources), default=1.0)
        for key, flow in flows.items()
    }


def held_at(
    flows: Mapping[str, Flow], rates: Mapping[str, float], capacities: Mapping[str, float]
) -> dict[str, str | None]:
    """For each flow the full resource on which nobody has more per weight, which is why it has no more itself.

    None: it has its `most`, or its least is more than its fair part. `rates` are fair ones.
    """
    total, highest = dict.fromkeys(capacities, 0.0), dict.fromkeys(capacities, 0.0)
    for key, flow in flows.items():
        for name in flow.resources:
            total[name] += rates[key]
            highest[name] = max(highest[name], rates[key] / flow.weight)
    full = {name for name, rate in total.items() if rate >= capacities[name] * _FULL}
    held: dict[str, str | None] = {}
    for key, flow in flows.items():
        level = rates[key] / flow.weight
        names = (name for name in flow.resources if name in full and level >= highest[name] * _FULL)
        held[key] = next(names, None) if rates[key] < flow.most else None
    return held


def in_order(old: Mapping[str, float], new: Mapping[str, float]) -> list[tuple[str, float]]:
    """What to set, in this order, so that no resource carries more at any moment than before or after.

    What is lowered comes before what is raised; who is new has had nothing, who is not in `new` has ended, and what
    stays the same is not listed.
    """
    changed = [(key, rate) for key, rate in new.items() if rate != old.get(key, 0.0)]
    return sorted(changed, key=lambda change: (change[1] > old.get(change[0], 0.0), change[0]))


def demand_of(measured: Sequence[float], granted: Sequence[float], most: float = inf) -> float:
    """The `most` of a flow from what it took lately, so that what it leaves is lent to others.

    Under nine tenths of its grants: a tenth more than it took, and a probe step. Otherwise it has no limit of its
    own any more, so a job that uses up what was left to it has its full share again at the next look. Over fewer than
    two measurements nothing is judged, and its present `most` stays.

    Shape:  bytes per second, oldest first, the same moments in both.
    """
    if len(measured) < JUDGED:
        return most
    taken, offered = (sum(series[-JUDGED:]) / JUDGED for series in (measured, granted))
    return max(LEAST, HEADROOM * taken + min(PROBE, taken)) if taken < FULL_USE * offered else inf
