"""An exact solver's proof of the least time that a night takes, as an oracle for the planner."""

from __future__ import annotations

from math import floor

from ortools.sat.python import cp_model

from backstay.planning.night.figures import Figures

TICKS = 2_000
"""Into how many parts the longest time is cut. Times are rounded down, so that the proof holds for the true ones."""


def proven_least(figures: Figures, limit_s: float) -> tuple[float, str]:
    """A makespan that no plan can beat, and how far the solver came within the time.

    Every job runs at its full speed, at once with all others that have slots: what links and targets carry is left out,
    so this is a relaxation of what the planner has to keep.
    """
    longest = sum(figures.solo)
    tick = max(figures.solo) / TICKS
    model = cp_model.CpModel()
    horizon = floor(longest / tick) + 1
    spans = [floor(solo / tick) for solo in figures.solo]
    starts = [model.new_int_var(floor(one.release_s / tick), horizon, one.key) for one in figures.demands]
    jobs = [model.new_fixed_size_interval_var(start, span, "") for start, span in zip(starts, spans, strict=True)]
    least = model.new_int_var(0, horizon, "makespan")
    for place, start in enumerate(starts):
        model.add(start + spans[place] <= least)
        for other in figures.before[place]:
            model.add(starts[other] + spans[other] <= start)
    for at, slots in enumerate(figures.slots):
        users = [place for place, uses in enumerate(figures.slotted) if at in uses]
        if len(users) > slots > 0:
            model.add_cumulative([jobs[place] for place in users], [1] * len(users), slots)
    model.minimize(least)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit_s
    solver.parameters.num_workers = 2
    status = solver.solve(model)
    return solver.best_objective_bound * tick, solver.status_name(status).lower()
