"""Which of the runs that wait may start now: each takes all that it needs, or nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from math import inf
from statistics import median

from backstay.domain.runs import Run
from backstay.planning.live.sharing import LEAST
from backstay.planning.night.model import Demand, Night, Resource
from backstay.planning.nights import demand_of
from backstay.planning.objectives import Standing
from backstay.planning.patterns.admission import may_start
from backstay.planning.patterns.arranging import chosen
from backstay.planning.patterns.rules import Rules

from .adapters import Adapters

STARTS = 2
"""Most that start at one look: all at once would open their repositories together, and nothing would move meanwhile."""

Standings = Callable[[], Mapping[str, Standing]]


class Dispatcher:
    """Admits runs by the pattern that fits them. Looks at the catalog only when runs come that it does not know."""

    def __init__(self, adapters: Adapters, standings: Standings) -> None:
        self._with = adapters
        self._standings = standings
        self._demands: dict[str, Demand] = {}
        self._rules: Rules | None = None
        self._window_s = inf
        self._opening = _Openings()

    def admitted(self, waiting: Sequence[Run], running: Sequence[Run]) -> list[Run]:
        """Those of the waiting that start now, in order."""
        if not waiting:
            return []
        night, rules = self._night((*running, *waiting), frozenset(run.run_id for run in running))
        ready = {run.run_id: run for run in waiting if not self._waits(run, (*running, *waiting))}
        started = may_start(rules, ready, [run.run_id for run in running], night)
        return [ready[key] for key in started[:STARTS]]

    def _waits(self, run: Run, still_open: Sequence[Run]) -> bool:
        """Whether a run of a workload that this one comes after, asked for together with it, is still open."""
        after = self._with.estate.workloads[run.workload].after if run.workload in self._with.estate.workloads else ()
        return any(other.workload in after and other.requested_at == run.requested_at for other in still_open)

    def _night(self, runs: Sequence[Run], running: frozenset[str]) -> tuple[Night, Rules]:
        if self._rules is None or any(run.run_id not in self._demands for run in runs):
            self._demands = self._demanded(runs)
            self._rules = None
        open_now = {run.run_id for run in runs}
        self._opening.keep(open_now)
        resources = self._with.limits.resources()
        known = (demand for key, demand in self._demands.items() if key in open_now)
        night = Night(tuple(self._present(demand, running, resources) for demand in known), resources)
        if self._rules is None:
            self._rules, _ = chosen(self._with.estate.workflow, night, self._window_s, running)
        return night, self._rules

    def _present(self, demand: Demand, running: frozenset[str], resources: Mapping[str, Resource]) -> Demand:
        """With the rate that it claims: what it takes on the average of its slots' time, in a part of which nothing
        moves. One that will be done by the time that the next has opened its repository claims none. Else what is
        shared would idle in between."""
        prep_s = self._opening.typical_s(demand.prep_s)
        if demand.key in running and self._left_s(demand) <= prep_s:
            return replace(demand, own_rate=LEAST)
        alone = min([demand.own_rate, *(resources[key].share * resources[key].capacity for key in demand.resources)])
        if alone == inf or not demand.volume:
            return demand
        return replace(demand, own_rate=demand.volume / (prep_s + demand.volume / alone))

    def _left_s(self, demand: Demand) -> float:
        """Until all its bytes are sent, as far as the last ones tell how many there are."""
        sent = self._with.traffic.sent(demand.key)
        self._opening.look(demand.key, sent is not None, self._with.clock.elapsed())
        if sent is None:
            return 0.0 if self._opening.is_through(demand.key) else inf
        done, rate = sent
        return max(0.0, demand.volume - done) / rate if rate else inf

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


class _Openings:
    """How long jobs took lately from being looked at first until they sent data; and which are through with it."""

    def __init__(self) -> None:
        self._took: deque[float] = deque(maxlen=8)
        self._began: dict[str, float] = {}
        self._sending: set[str] = set()

    def look(self, key: str, sends: bool, now: float) -> None:
        """One running job, now."""
        began = self._began.setdefault(key, now)
        if sends and key not in self._sending:
            self._sending.add(key)
            self._took.append(now - began)

    def is_through(self, key: str) -> bool:
        """Of one that sends nothing now: it did before."""
        return key in self._sending

    def typical_s(self, otherwise: float) -> float:
        return median(self._took) if self._took else otherwise

    def keep(self, keys: Set[str]) -> None:
        """Only these are still open."""
        self._began = {key: at for key, at in self._began.items() if key in keys}
        self._sending &= keys
