"""A night's jobs with times, by the pattern that fits."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace

from backstay.domain.estate import Pattern
from backstay.planning.night.model import Night, Schedule
from backstay.planning.night.portfolio import order_of_work, plan_night

from .fluid import simulated
from .known import ALL_AT_ONCE, PARALLEL, SERIAL, STATIC, choose, hybrid
from .rules import Rules


def chosen(workflow: Pattern, night: Night, window_s: float, running: Set[str] = frozenset()) -> Rules:
    """The rules that fit; whatever they are, who must start first goes first.

    Units: `window_s` is how long the window of the most pressed job is still open, or its RPO where it has none.
    """
    return _ordered(choose(workflow, night, window_s), order_of_work(night, running))


def arranged(workflow: Pattern, night: Night, window_s: float) -> tuple[Rules, Schedule]:
    """The rules that fit, and how the night goes by them."""
    plan = plan_night(night)
    rules = choose(workflow, night, window_s)
    if rules.name == "planner":
        return rules, plan
    rules = _ordered(rules, order_of_work(night, plan=plan))
    return rules, simulated(night, rules, plan.bound)


def _ordered(rules: Rules, keys: Sequence[str]) -> Rules:
    return replace(rules, order={key: float(place) for place, key in enumerate(keys)})


def every_pattern(night: Night) -> dict[str, Schedule]:
    """The same night by each pattern: one at a time, everything at once, static limits, the pools of the hybrid one,
    everything that limits allow, and the plan."""
    plan = plan_night(night)
    known = (SERIAL, ALL_AT_ONCE, STATIC, hybrid(night), PARALLEL)
    return {**{rules.name: simulated(night, rules, plan.bound) for rules in known}, "planner": plan}
