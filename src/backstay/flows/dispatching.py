"""Which of the runs that wait may start now: each takes all that it needs, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf

from backstay.domain.runs import Run
from backstay.planning.night.model import Demand, Night, Resource
from backstay.planning.nights import demand_of
from backstay.planning.objectives import Standing
from backstay.planning.patterns.admission import may_start
from backstay.planning.patterns.arranging import chosen
from backstay.planning.patterns.rules import Rules

from .adapters import Adapters

Standings = Callable[[], Mapping[str, Standing]]


class Dispatcher:
    """Admits runs by the pattern that fits them. Looks at the catalog only when runs come that it does not know."""

    def __init__(self, adapters: Adapters, standings: Standings) -> None:
        self._with = adapters
        self._standings = standings
        self._demands: dict[str, Demand] = {}
        self._rules: Rules | None = None
        self._window_s = inf

    def admitted(self, waiting: Sequence[Run], running: Sequence[Run]) -> list[Run]:
        """Those of the waiting that start now, in order."""
        if not waiting:
            return []
        night, rules = self._night((*running, *waiting), frozenset(run.run_id for run in running))
        ready = {run.run_id: run for run in waiting if not self._waits(run, (*running, *waiting))}
        return [ready[key] for key in may_start(rules, ready, [run.run_id for run in running], night)]

    def _waits(self, run: Run, still_open: Sequence[Run]) -> bool:
        """Whether a run of a workload that this one comes after, asked for together with it, is still open."""
        after = self._with.estate.workloads[run.workload].after if run.workload in self._with.estate.workloads else ()
        return any(other.workload in after and other.requested_at == run.requested_at for other in still_open)

    def _night(self, runs: Sequence[Run], running: frozenset[str]) -> tuple[Night, Rules]:
        if self._rules is None or any(run.run_id not in self._demands for run in runs):
            self._demands = self._demanded(runs)
            self._rules = None
        open_now = {run.run_id for run in runs}
        resources = self._with.limits.resources()
        demands = (
            self._present(demand, running, resources) for key, demand in self._demands.items() if key in open_now
        )
        night = Night(tuple(demands), resources)
        if self._rules is None:
            self._rules, _ = chosen(self._with.estate.workflow, night, self._window_s, running)
        return night, self._rules

    def _present(self, demand: Demand, running: frozenset[str], resources: Mapping[str, Resource]) -> Demand:
        """One that runs and does not move bytes yet, or not any more, leaves half of its rate to the next, which has
        its own beginning to get through first."""
        if demand.key not in running or self._with.traffic.moves(demand.key):
            return demand
        shares = (resources[key].share * resources[key].capacity for key in demand.resources)
        return replace(demand, own_rate=min([demand.own_rate, *shares]) / 2)

    def _demanded(self, runs: Sequence[Run]) -> dict[str, Demand]:
        stands = self._standings()
        estate, now = self._with.estate, self._with.clock.now()
        demands = {}
        self._window_s = inf
        for run in runs:
            stand, target = stands.get(run.workload), estate.targets.get(run.target)
            if stand and target:
                ends = run.start_by or now + stand.workload.owed.rpo
                self._window_s = min(self._window_s, max(0.0, (ends - now).total_seconds()))
                # What it comes after is seen to here, by runs; the rules order what is ready.
                demands[run.run_id] = replace(demand_of(run.run_id, estate, stand, target, now), after=())
            else:
                demands[run.run_id] = Demand(run.run_id, 0.0)  # no longer in the file: its first step says so
        return demands
