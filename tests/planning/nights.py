"""Random nights: mixed estates of any size for figures, and small odd ones for laws."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from random import Random

from hypothesis import strategies as st

from backstay.planning.night.bounds import bound, heads_of
from backstay.planning.night.figures import figures_of
from backstay.planning.night.model import ALWAYS, Demand, Night, Placement, Resource, ResourceKind, Schedule

MB = 1e6


@dataclass(frozen=True, slots=True)
class _Host:
    key: str
    link: str
    target: str
    rate: float
    slots: int


def mixed_night(count: int, seed: int) -> Night:
    """A mixed estate: 30 % databases, sizes lognormal, 40 % of the hosts with one spindle.

    Links and targets are sized so that hosts, links and targets compete. 8 % come after another, 10 % are released
    during the first fifth, 20 % have a deadline that could be kept alone.
    """
    dice = Random(seed)
    hosts = [_a_host(dice, count, number) for number in range(max(4, count // 4))]
    demands = [
        _a_demand(dice, number, hosts[number] if number < len(hosts) else dice.choice(hosts)) for number in range(count)
    ]
    night = Night(tuple(demands), _resources(dice, hosts, demands))
    return _promised(dice, replace(night, demands=_chained(dice, demands)))


def _a_host(dice: Random, count: int, number: int) -> _Host:
    link = f"link{dice.randrange(max(2, int(count**0.43))):03}"
    target = f"target{dice.randrange(max(1, int(count**0.37 / 3))):03}"
    if dice.random() < 0.4:
        return _Host(f"host{number:05}", link, target, dice.uniform(80, 160) * MB, 1)
    return _Host(f"host{number:05}", link, target, dice.uniform(200, 900) * MB, 4)


def _a_demand(dice: Random, number: int, host: _Host) -> Demand:
    database = dice.random() < 0.3
    volume = dice.lognormvariate(10, 1.1) if database else dice.lognormvariate(8.6, 1.5)
    return Demand(
        key=f"job{number:05}",
        volume=min(max(volume, 20.0), 3e6) * MB,
        own_rate=(dice.uniform(60, 180) if database else dice.uniform(80, 400)) * MB,
        prep_s=dice.uniform(2, 15),
        resources=(host.key, host.link, host.target),
        kind="postgresql" if database else "files",
    )


def _resources(dice: Random, hosts: Sequence[_Host], demands: Sequence[Demand]) -> dict[str, Resource]:
    load: dict[str, float] = defaultdict(float)
    for demand in demands:
        for key in demand.resources:
            load[key] += demand.volume
    slowest = max(load[host.key] / host.rate for host in hosts)
    resources = {host.key: Resource(host.key, "host", host.rate, host.slots) for host in hosts}
    for key in sorted({host.link for host in hosts}):
        resources[key] = Resource(key, "link", max(25 * MB, load[key] / slowest * dice.uniform(0.9, 3)))
    for key in sorted({host.target for host in hosts}):
        rate = max(150 * MB, load[key] / slowest * dice.uniform(0.75, 1.3))
        resources[key] = Resource(key, "target", rate, max(8, int(rate / (40 * MB))))
    return resources


def _chained(dice: Random, demands: Sequence[Demand]) -> tuple[Demand, ...]:
    chained = list(demands)
    for place in dice.sample(range(1, len(chained)), len(chained) // 12):
        before = chained[dice.randrange(max(0, place - 200), place)]
        chained[place] = replace(chained[place], after=(before.key,))
    return tuple(chained)


def _promised(dice: Random, night: Night) -> Night:
    least = bound(night).physics_s
    demands = list(night.demands)
    for place in dice.sample(range(len(demands)), len(demands) // 10):
        demands[place] = replace(demands[place], release_s=dice.uniform(0, 0.2) * least)
    figures = figures_of(replace(night, demands=tuple(demands)))
    ends = {demand.key: head[1] for demand, head in zip(figures.demands, heads_of(figures), strict=True) if head}
    for place in dice.sample(range(len(demands)), len(demands) // 5):
        deadline = max(dice.uniform(0.25, 1.1) * least, 1.5 * ends[demands[place].key])
        demands[place] = replace(demands[place], deadline_s=deadline)
    return replace(night, demands=tuple(demands))


def pressed_nights(count: int, seed: int) -> tuple[Night, Night]:
    """Half of the jobs with deadlines that not all can be kept; and the same where a third of these are later."""
    dice = Random(seed)
    night = mixed_night(count, seed)
    least = bound(night).knee_s
    tight = [
        replace(one, deadline_s=dice.uniform(0.1, 0.7) * least if dice.random() < 0.5 else inf) for one in night.demands
    ]
    loose = [replace(one, deadline_s=one.deadline_s * (1.5 if dice.random() < 0.33 else 1.0)) for one in tight]
    return replace(night, demands=tuple(tight)), replace(night, demands=tuple(loose))


# --- small and odd ones, for laws ---

KINDS: tuple[ResourceKind, ...] = ("host", "link", "target", "pool")
TIMES = st.integers(0, 60).map(float)


@st.composite
def a_resource(draw: st.DrawFn, key: str) -> Resource:
    """Any kind; a pool has slots only. The last capacity is never zero, so that everything can end."""
    kind = draw(st.sampled_from(KINDS))
    slots = draw(st.sampled_from([1.0, 2.0, 3.0, inf]))
    if kind == "pool":
        return Resource(key, kind, slots=min(slots, 3.0))
    capacity = draw(st.sampled_from([5.0, 10.0, 20.0]))
    times = sorted(draw(st.sets(st.integers(1, 50), max_size=3)))
    rates = [draw(st.sampled_from([0.0, 2.0, 8.0, 30.0])) for _ in times[1:]] + [4.0] * bool(times)
    steps = tuple(zip(map(float, times), rates, strict=True))
    return Resource(key, kind, capacity, slots, steps, draw(st.sampled_from([1.0, 1.0, 0.5, 0.3])))


@st.composite
def intervals(draw: st.DrawFn) -> tuple[tuple[float, float], ...]:
    """Always, or up to three intervals, the last of them perhaps without an end."""
    if draw(st.booleans()):
        return ALWAYS
    turns = sorted(draw(st.sets(st.integers(0, 120), min_size=2, max_size=6)))
    pairs = [(float(a), float(b)) for a, b in zip(turns[::2], turns[1::2], strict=False)]
    return (*pairs, (float(turns[-1] + 5), inf)) if draw(st.booleans()) else tuple(pairs)


@st.composite
def odd_nights(draw: st.DrawFn, most: int = 8) -> Night:
    """Windows, steps, pools, shares, chains and groups, a few of each."""
    resources = {key: draw(a_resource(key)) for key in ("a", "b", "c", "d", "e", "f")[: draw(st.integers(1, 6))]}
    demands: list[Demand] = []
    for number in range(draw(st.integers(0, most))):
        earlier = [demand.key for demand in demands]
        demands.append(
            Demand(
                key=f"j{number}",
                volume=draw(st.sampled_from([0.0, 1.0, 20.0, 100.0, 333.3])),
                own_rate=draw(st.sampled_from([1.0, 3.0, 7.0, inf])),
                prep_s=draw(st.sampled_from([0.0, 0.0, 2.0, 7.5])),
                release_s=draw(st.sampled_from([0.0, 0.0, 10.0, 33.0])),
                deadline_s=draw(st.sampled_from([inf, 20.0, 60.0, 150.0])),
                after=tuple(draw(st.sets(st.sampled_from(earlier), max_size=2))) if earlier else (),
                resources=tuple(draw(st.permutations(sorted(resources))))[: draw(st.integers(0, 6))],
                group=draw(st.sampled_from([None, None, "g"])),
                open=draw(intervals()),
                stop=draw(st.booleans()),
            )
        )
    return Night(tuple(demands), resources)


@st.composite
def with_some_running(draw: st.DrawFn) -> tuple[Night, frozenset[str]]:
    """A night, and those of it that run already: no more than the slots, and none that waits for another."""
    night = draw(odd_nights())
    free = {key: resource.slots for key, resource in night.resources.items()}
    running = set()
    for demand in night.demands:
        if not demand.after and draw(st.booleans()) and all(free[key] >= 1 for key in demand.resources):
            running.add(demand.key)
            for key in demand.resources:
                free[key] -= 1
    return night, frozenset(running)


# --- what every plan keeps ---

CLOSE = 1e-6


def faults(night: Night, plan: Schedule, running: frozenset[str] = frozenset()) -> list[str]:
    """What is wrong with a plan: found by playing its placements, without asking the planner."""
    placed = {one.key: one for one in plan.placements}
    demands = {demand.key: demand for demand in night.demands}
    return [
        *(f"{key} is neither placed nor unplaced" for key in demands if (key in placed) == (key in plan.unplaced)),
        *(fault for key, one in placed.items() for fault in _own_faults(demands[key], one, placed, key in running)),
        *(fault for resource in night.resources.values() for fault in _shared_faults(resource, night, placed, running)),
    ]


def _own_faults(demand: Demand, one: Placement, placed: dict[str, Placement], running: bool) -> Iterator[str]:
    start, end = one.start_s, one.end_s
    if not running:
        if start < demand.release_s:
            yield f"{one.key} starts before its release"
        if not any(a <= start < b for a, b in demand.open):
            yield f"{one.key} starts outside its intervals"
        for before in demand.after:
            if before not in placed or placed[before].end_s > start + CLOSE:
                yield f"{one.key} starts before {before} has ended"
    elif start != 0:
        yield f"{one.key} gave back its slots"
    if demand.stop and not any(a <= start and end <= b + CLOSE for a, b in demand.open):
        yield f"{one.key} runs past its close"
    if abs(sum(rate * (until - since) for since, until, rate in pieces(one)) - demand.volume) > CLOSE * max(
        1, demand.volume
    ):
        yield f"{one.key} does not move its volume"
    if any(rate > demand.own_rate * (1 + CLOSE) and demand.own_rate < inf for _, rate in one.rates):
        yield f"{one.key} is faster than it can be"
    if any(rate > 0 and since < start + demand.prep_s - CLOSE for since, rate in one.rates):
        yield f"{one.key} moves before it has prepared"
    if any(rate < 0 for _, rate in one.rates) or list(one.rates) != sorted(one.rates, key=lambda pair: pair[0]):
        yield f"{one.key} has odd rates"


def pieces(one: Placement) -> Iterator[tuple[float, float, float]]:
    """(from, until, rate)."""
    turns = [*(since for since, _ in one.rates), one.end_s]
    return ((since, until, rate) for (since, rate), until in zip(one.rates, turns[1:], strict=True))


def _shared_faults(
    resource: Resource, night: Night, placed: dict[str, Placement], running: frozenset[str]
) -> Iterator[str]:
    users = [
        placed[demand.key] for demand in night.demands if resource.key in demand.resources and demand.key in placed
    ]
    turns = sorted(
        {*(turn for one in users for turn in (one.start_s, one.end_s, *(at for at, _ in one.rates)))}
        | {since for since, _ in resource.steps}
    )
    kept = sum(1 for one in users if one.key in running)
    for now, until in pairwise(turns):
        moment = (now + until) / 2
        if until - now < CLOSE:
            continue
        active = [one for one in users if one.start_s <= moment < one.end_s]
        if len(active) > max(resource.slots, kept):
            yield f"{resource.key} has {len(active)} jobs at {moment}"
        total = sum(rate_at(one, moment) for one in active)
        if total > resource.capacity_at(moment) * (1 + CLOSE) + CLOSE:
            yield f"{resource.key} carries {total} at {moment}"


def rate_at(one: Placement, moment: float) -> float:
    """Its rate then."""
    return next((rate for since, until, rate in pieces(one) if since <= moment < until), 0.0)
