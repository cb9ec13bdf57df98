"""The rules by which jobs start and share, as values: the simulator and the live executor follow the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from backstay.planning.night.model import Demand, Night, Resource


@dataclass(frozen=True, slots=True)
class RulePool:
    """Slots that rules add for jobs of some `kinds` (none named: all), for the estate or for each site of it.

    A site is what a job's bytes cross: its first link, or its target where there is none. A pool starts jobs only when
    it has room for a whole `batch`, and then at most so many.
    """

    name: str
    slots: float
    kinds: tuple[str, ...] = ()
    batch: int = 1
    by_site: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """A pattern of work.

    With `limits` the night's own slots hold. `job_share` is the part of a link or target that no job exceeds, even
    alone. With a `start_share` a job starts only where at least that part of the rate it needs is not yet reserved,
    where `ahead` times what each thing carries may be: a job opens its repository while others move, and none moves all
    the time.
    Jobs go by `order`, lower first, the rest after them as the file has them.

    The executor looks twice a second and whenever a job has ended. With `few_at_once` it starts few at each look: jobs
    that open their repositories together leave what they share idle. `by_need` it divides what is short by what jobs
    still have to do, else equally. Simulated time knows no looks and no needs.
    """

    name: str
    why: str
    pools: tuple[RulePool, ...] = ()
    limits: bool = True
    job_share: float = 1.0
    start_share: float = 0.0
    ahead: float = 1.0
    few_at_once: bool = False
    by_need: bool = False
    order: Mapping[str, float] = field(default_factory=dict)

    def place(self, key: str) -> float:
        """Where a job stands in the order."""
        return self.order.get(key, inf)


@dataclass(frozen=True, slots=True)
class Slots:
    """What rules count: how many slots each thing has, how many must be free for it to give any, and who takes them."""

    number: Mapping[str, float]
    batch: Mapping[str, float]
    taken_by: Mapping[str, tuple[str, ...]]


def slots_of(rules: Rules, night: Night) -> Slots:
    """The night's own slots where its limits hold, and those of the pools that the rules add."""
    own = {key: each.slots for key, each in night.resources.items() if each.slots < inf} if rules.limits else {}
    pools: dict[str, RulePool] = {}
    taken_by = {}
    for demand in night.demands:
        asked = {_pool_key(pool, demand, night): pool for pool in rules.pools if _is_in(pool, demand)}
        pools |= asked
        taken_by[demand.key] = (*(key for key in demand.resources if key in own), *asked)
    # A batch larger than its pool would never start.
    batch = {key: min(pool.batch, pool.slots) for key, pool in pools.items() if pool.batch > 1}
    return Slots(own | {key: pool.slots for key, pool in pools.items()}, batch, taken_by)


def most_of(rules: Rules, demand: Demand, night: Night, at_s: float) -> float:
    """The rate that a job never exceeds under these rules."""
    shares = [
        rules.job_share * resource.capacity_at(at_s)
        for resource in map(night.resources.__getitem__, demand.resources)
        if resource.kind in ("link", "target")
    ]
    return min([demand.own_rate, *shares]) if rules.job_share < 1 else demand.own_rate


def need_of(rules: Rules, demand: Demand, night: Night, at_s: float) -> float:
    """The rate that a job has for itself: what it can take, at most its share of each thing that others wait for too.

    More than that is lent to it while nobody else takes it.
    """
    return min(most_of(rules, demand, night, at_s), share_of(demand, night.resources, at_s))


def share_of(demand: Demand, resources: Mapping[str, Resource], at_s: float = 0.0) -> float:
    """The most that is a job's own where others wait for the same things."""
    return min((resources[key].share * resources[key].capacity_at(at_s) for key in demand.resources), default=inf)


def _is_in(pool: RulePool, demand: Demand) -> bool:
    return not pool.kinds or demand.kind in pool.kinds


def _pool_key(pool: RulePool, demand: Demand, night: Night) -> str:
    return f"{pool.name} of {site_of(demand, night)}" if pool.by_site else pool.name


def site_of(demand: Demand, night: Night) -> str:
    """What its bytes cross: its first link, or its target where there is none."""
    by_kind = {night.resources[key].kind: key for key in reversed(demand.resources)}
    return by_kind.get("link") or by_kind.get("target") or "here"
