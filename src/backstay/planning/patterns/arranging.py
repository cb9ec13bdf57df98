"""A night's jobs with times, by the pattern that fits."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from backstay.domain.estate import Pattern
from backstay.planning.night.model import Night, Schedule
from backstay.planning.night.portfolio import plan_night

from .fluid import simulated
from .known import ALL_AT_ONCE, PARALLEL, SERIAL, STATIC, choose, hybrid
from .rules import Rules


def chosen(workflow: Pattern, night: Night, window_s: float, running: Set[str] = frozenset()) -> tuple[Rules, Schedule]:
    """The rules that fit, and the plan from which they have their order: whatever the rules, who must start first goes
    first.

    Units: `window_s` is how long the window of the most pressed job is still open, or its RPO where it has none.
    """
    plan = plan_night(night, running)
    rules = choose(workflow, night, window_s)
    # Of those that start together, the one that will be busy longest goes first.
    in_turn = sorted(plan.placements, key=lambda placement: (placement.start_s, -placement.end_s, placement.key))
    return replace(rules, order={placement.key: place for place, placement in enumerate(in_turn)}), plan


def arranged(workflow: Pattern, night: Night, window_s: float) -> tuple[Rules, Schedule]:
    """The rules that fit, and how the night goes by them."""
    rules, plan = chosen(workflow, night, window_s)
    return rules, plan if rules.name == "planner" else simulated(night, rules, plan.bound)


def every_pattern(night: Night) -> dict[str, Schedule]:
    """The same night by each pattern: one at a time, everything at once, static limits, the pools of the hybrid one,
    everything that limits allow, and the plan."""
    plan = plan_night(night)
    known = (SERIAL, ALL_AT_ONCE, STATIC, hybrid(night), PARALLEL)
    return {**{rules.name: simulated(night, rules, plan.bound) for rules in known}, "planner": plan}
