"""The planner against what no plan can beat, against two other orders, and, where it ends, against an exact solver."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from backstay.planning.night.bounds import bound_of, heads_of
from backstay.planning.night.figures import Figures, figures_of
from backstay.planning.night.model import Bound, Night
from backstay.planning.night.orders import earliest_deadline_first, longest_first
from backstay.planning.night.portfolio import plan_night
from backstay.planning.night.reserving import play
from bench.measuring import machine
from bench.report import Report, Table
from planning.nights import mixed_night

SUMMARY = "plans of 50 to 50,000 jobs against two bounds, FlexLBF, earliest deadline first and an exact solver"
METHOD = (
    "Random mixed estates: 30 % databases, lognormal sizes, 40 % one-spindle hosts, links, targets, 8 % after another,",
    "10 % released in the first fifth, 20 % with a deadline. The same seeds for all. Ratios: makespan ÷ bound.",
    "physics: bytes ÷ capacity after the earliest start, chains. knee: also Σ solo ÷ slots, and jobs on one slot.",
    "FlexLBF: longest first, started when its whole rate is free, as many at a time as rates and slots carry; EDF:",
    "earliest deadline first, then the longest. Both with our slots, rates, top-up and overlap of preparation.",
    "Up to 2,000 jobs the planner plays FlexLBF's and EDF's orders, too, and cannot be behind them there.",
    "ahead, even, behind: nights where the planner's (late jobs, makespan) is less, equal or more; late comes first.",
    "exact: CP-SAT on slots, chains and releases with every job at its full speed: no plan ends before what it proves.",
)
EXACT_S = 20.0

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One night, one way to order it."""

    late: int
    makespan_s: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One night with all that was made of it."""

    promised: int
    bound: Bound
    planner: Outcome
    cpu_s: float
    others: Mapping[str, Outcome]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 500, 5_000, 50_000])
    parser.add_argument("--seeds", type=int, default=10, help="nights of each size")
    parser.add_argument("--exact", type=int, default=10, help="nights of 50 jobs for the exact solver; 0: none")


def measure(options: argparse.Namespace, root: Path) -> Report:
    """Three tables."""
    before = machine()
    nights = {size: [_measured(mixed_night(size, seed)) for seed in range(options.seeds)] for size in options.sizes}
    tables = [
        Table("The planner against two bounds: mean (worst)", [_bounded(size, ones) for size, ones in nights.items()]),
        Table(
            "The same nights in other orders", [row for size, ones in nights.items() for row in _compared(size, ones)]
        ),
    ]
    if options.exact:
        tables.append(Table("Against an exact solver, 50 jobs", [_exact(seed) for seed in range(options.exact)]))
    return Report("planner", METHOD, tables, before)


def _measured(night: Night) -> Measured:
    began = time.process_time()
    plan = plan_night(night)
    cpu = time.process_time() - began
    figures = figures_of(night)
    promised = sum(1 for demand in night.demands if demand.deadline_s < inf)
    others = {name: _played(figures, order(figures), theta) for name, (order, theta) in ORDERS.items()}
    return Measured(promised, plan.bound, Outcome(len(plan.late), plan.makespan_s), cpu, others)


ORDERS: Mapping[str, tuple[Callable[[Figures], list[int]], float]] = {
    "FlexLBF": (longest_first, 0.999),
    "longest first, a tenth is enough": (longest_first, 0.1),
    "EDF": (earliest_deadline_first, 0.1),
}
"""By name: the order, and the part of its rate with which a job starts."""


def _played(figures: Figures, order: list[int], theta: float) -> Outcome:
    ends = [job.end or inf for job in play(figures, order, theta)]
    late = sum(1 for demand, end in zip(figures.demands, ends, strict=True) if end > demand.deadline_s)
    return Outcome(late, max(ends))


def _bounded(size: int, ones: Sequence[Measured]) -> Row:
    cpu = statistics.mean(one.cpu_s for one in ones)
    return {
        "jobs": size,
        "nights": len(ones),
        "÷ physics": _mean_worst([one.planner.makespan_s / one.bound.physics_s for one in ones]),
        "÷ knee": _mean_worst([one.planner.makespan_s / one.bound.knee_s for one in ones]),
        "late %": _late([one.planner for one in ones], ones),
        "CPU s": f"{cpu:.3f}",
        "µs/job": round(cpu / size * 1e6),
    }


def _compared(size: int, ones: Sequence[Measured]) -> list[Row]:
    return [
        {
            "jobs": size,
            "order": name,
            "÷ knee": _mean_worst([one.others[name].makespan_s / one.bound.knee_s for one in ones]),
            "late %": _late([one.others[name] for one in ones], ones),
            **_verdicts([(one.planner, one.others[name]) for one in ones]),
        }
        for name in ORDERS
    ]


def _verdicts(pairs: Sequence[tuple[Outcome, Outcome]]) -> dict[str, int]:
    # A makespan within a millionth is the same one, summed in another order.
    keys = [((a.late, round(a.makespan_s / b.makespan_s, 6)), (b.late, 1.0)) for a, b in pairs]
    return {
        "ahead": sum(a < b for a, b in keys),
        "even": sum(a == b for a, b in keys),
        "behind": sum(a > b for a, b in keys),
    }


def _mean_worst(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):.3f} ({max(values):.3f})"


def _late(outcomes: Sequence[Outcome], ones: Sequence[Measured]) -> float:
    return round(100 * sum(one.late for one in outcomes) / max(1, sum(one.promised for one in ones)), 2)


def _exact(seed: int) -> Row:
    from bench.exact import proven_least  # the solver is slow to load, and only this table needs it

    night = mixed_night(50, seed)
    figures = figures_of(night)
    heads = heads_of(figures)
    knee = bound_of(figures, heads).knee_s
    proven, status = proven_least(figures, EXACT_S)
    planned = plan_night(night).makespan_s
    return {
        "night": seed,
        "solver": status,
        "proven s": round(proven, 1),
        "knee s": round(knee, 1),
        "planner s": round(planned, 1),
        "÷ best proof": f"{planned / max(proven, knee):.4f}",
    }
