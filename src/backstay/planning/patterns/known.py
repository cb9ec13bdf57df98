"""The patterns that people use and ours, as rules, which of them fits, and how they compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf
from typing import Literal

from backstay.domain.spans import span_text
from backstay.planning.night.model import Demand, Night, Resource, Schedule

from .rules import RulePool, Rules

FEW = 10
"""Fewer workloads than this run one after another where that fits (`workflow: auto`)."""

START_SHARE = 0.1
"""A job starts where this part of its need is free; less makes long tails, more leaves rate unused."""

AHEAD = 2.0
"""So many times what a link carries is reserved by those that run on it."""

DATABASES = ("postgresql", "mariadb", "sqlite", "redis")

SERIAL = Rules("serial", "one job at a time, in the order of the file", pools=(RulePool("one at a time", 1),))

PARALLEL = Rules("parallel", "everything that its limits allow, at equal shares")

ALL_AT_ONCE = Rules("all-at-once", "everything at once and without limits, as timers on each host do", limits=False)

STATIC = Rules(
    "static",
    "four jobs at a time, each with at most half of its link and target, whatever they are",
    pools=(RulePool("four at a time", 4),),
    limits=False,
    job_share=0.5,
)

PLANNED = Rules(
    "planner",
    "who must start first goes first, and who needs most has most of what is short",
    start_share=START_SHARE,
    ahead=AHEAD,
    few_at_once=True,
    by_need=True,
)


def hybrid(night: Night) -> Rules:
    """Databases in parallel in a pool and files in batches of one: the estate's own pools, or else four a site."""
    own = sorted(key for key, each in night.resources.items() if each.kind == "pool" and each.slots < inf)
    if own:
        return Rules("hybrid", f"databases and files in the estate's own pools: {', '.join(own)}")
    others = tuple(sorted({demand.kind for demand in night.demands}.difference(DATABASES)))
    pools = [RulePool("databases", 4, DATABASES, by_site=True)]
    if others:
        pools.append(RulePool("files", 4, others, batch=4, by_site=True))
    return Rules("hybrid", "at each site four databases at a time, and files in batches of four", pools=tuple(pools))


def choose(
    workflow: Literal["serial", "parallel", "hybrid", "auto"],
    night: Night,
    window_s: float,
) -> Rules:
    """The rules that fit, with why.

    `auto` is serial for few workloads that fit one after another into `window_s`, else the planner's own.
    """
    if workflow == "auto":
        why, one_by_one = _reason(night, window_s)
        return replace(SERIAL if one_by_one else PLANNED, why=why)
    rules = {"serial": SERIAL, "parallel": PARALLEL}.get(workflow) or hybrid(night)
    return replace(rules, why=f"the estate file says so: {rules.why}")


def _reason(night: Night, window_s: float) -> tuple[str, bool]:
    """Why, and whether one after another is it."""
    jobs, needed_s = len(night.demands), serial_s(night)
    if jobs >= FEW:
        return f"{jobs} workloads share hosts, links and targets: planned by latest start", False
    if needed_s > window_s:
        spans = f"{_span(needed_s)} one after another, and the window has {_span(window_s)}"
        return f"{jobs} workload{'s take' if jobs > 1 else ' takes'} {spans}: planned by latest start", False
    few = (
        "one workload needs no order"
        if jobs == 1
        else f"{jobs} workloads are fewer than {FEW} and fit one after another"
    )
    return f"{few}: {_span(needed_s)}", True


def serial_s(night: Night) -> float:
    """Seconds for all jobs one after another, each alone, at the capacities of the beginning or of an opening."""
    return sum(demand.prep_s + _alone_s(demand, night) for demand in night.demands)


def _alone_s(demand: Demand, night: Night) -> float:
    rate = min([demand.own_rate, *(_carried(night.resources[key]) for key in demand.resources)])
    return demand.volume / rate if demand.volume else 0.0


def _carried(resource: Resource) -> float:
    """What it carries now, or, where it is closed, from when it is opened; one that never is keeps all from starting
    and nothing from being reckoned."""
    rates = (resource.capacity_at(0.0), *(rate for _, rate in resource.steps))
    return next((rate for rate in rates if rate > 0), inf)


def _span(seconds: float) -> str:
    """In whole seconds, or whole minutes from two of them on."""
    rounded = round(seconds) if seconds < 120 else 60 * round(seconds / 60)
    return span_text(timedelta(seconds=rounded))


@dataclass(frozen=True, slots=True)
class Row:
    """One pattern against the others; `ratio` is its makespan over the bound, `late` counts missed deadlines."""

    name: str
    makespan_s: float
    late: int
    peak: int
    ratio: float
    unplaced: int


def compared(schedules: Mapping[str, Schedule], bound_s: float) -> tuple[Row, ...]:
    """A row for each pattern by its name, the best first: fewest that never end, then fewest late, then the shortest.

    With nothing to do the ratio is 1.
    """
    rows = [
        Row(
            name,
            each.makespan_s,
            len(each.late),
            each.peak,
            each.makespan_s / bound_s if bound_s else 1.0,
            len(each.unplaced),
        )
        for name, each in schedules.items()
    ]
    return tuple(sorted(rows, key=lambda row: (row.unplaced, row.late, row.makespan_s)))
