"""Which of the runs that wait may start now: each takes all that it needs, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from math import inf

from backstay.domain.estate import Workload
from backstay.domain.runs import Run
from backstay.planning.live.needs import host_of, needs_of, span_of
from backstay.planning.network import told
from backstay.planning.night.model import Demand, Night
from backstay.planning.nights import demand_of
from backstay.planning.objectives import Standing
from backstay.planning.patterns.admission import may_start
from backstay.planning.patterns.arranging import chosen
from backstay.planning.patterns.beginning import filling_first, may_change_turns
from backstay.planning.patterns.rules import Rules, site_of
from backstay.ports.probe import Probe

from .adapters import Adapters
from .claims import Claims
from .urgency import Room, Urgency, room_for

Standings = Callable[[], Mapping[str, Standing]]

ON_A_HOST, AT_A_SITE = 1, 2
"""Jobs that begin at one look. The first piece that an engine sends is whole: two that begin together on one disk are
twice as late with it."""

HANDS, FULL_HANDS = 10, 0.4
"""So many begin at one look, the less the more of the time something waits for a processor of this machine, and none
from that part on while others are being opened: they open the slower for each more."""


class Dispatcher:
    """Admits runs by the pattern that fits them. Looks at the catalog only when runs come that it does not know.

    `processors` says which share of the time something waits for a processor of this machine.
    """

    def __init__(self, adapters: Adapters, standings: Standings, processors: Probe) -> None:
        self._with = adapters
        self._standings = standings
        self._processors = processors
        self._demands: dict[str, Demand] = {}
        self._streams: set[str] = set()
        self._told: set[str] = set()
        self._rules: Rules | None = None
        self._window_s = inf
        self._claims = Claims(adapters.traffic, adapters.clock)
        self._urgency = Urgency()

    def follow(self, adapters: Adapters, standings: Standings) -> None:
        """Another estate file is in force; what runs by the one before still holds what it took."""
        self._with, self._standings, self._rules = adapters, standings, None

    def admitted(self, waiting: Sequence[Run], running: Sequence[Run]) -> list[Run]:
        """Those of the waiting that start now, in order. Those that run get what they need of what is short."""
        still_open, held = (*running, *waiting), frozenset(run.run_id for run in running)
        if not still_open:
            return []
        self._look_up(still_open)
        ready = {run.run_id: run for run in waiting if not self._waits(run, still_open)}
        urgent = self._urgency.of(ready, self._with.clock.now())
        room = self._room(urgent, held)
        night, rules = self._night(still_open, held, room)
        self._with.traffic.weigh(self._needs(night, held) if rules.by_need else {})
        if rules.few_at_once and ready:
            rules = self._filling(rules, night, held)
        open_now = [key for key in ready if not self._closed(key, room)]
        mine = [key for key in open_now if key in urgent or not self._broken_for(key, room)]
        allowed = may_start(rules, mine, held, night)
        started = [ready[key] for key in (self._first(allowed, held, night) if rules.few_at_once else allowed)]
        self._tell(started, room)
        return started

    def _needs(self, night: Night, running: Set[str]) -> dict[str, float]:
        left = self._claims.left(night.demands, running)
        return needs_of(night.demands, left, running, night.resources, self._promised_s())

    def _filling(self, rules: Rules, night: Night, running: Set[str]) -> Rules:
        """The same, those first that fill what idles, while there is time for everything."""
        span_s = span_of(night.demands, self._claims.left(night.demands, running), night.resources)
        if not may_change_turns(span_s, self._promised_s().values()):
            return rules
        moving = {key for key in running if self._with.traffic.sent(key)}
        keys = filling_first(rules, night, streams=self._streams, running=running, moving=moving)
        return replace(rules, order={key: float(place) for place, key in enumerate(keys)})

    def _promised_s(self) -> dict[str, float]:
        return self._urgency.promised_s(self._with.clock.now())

    def _first(self, keys: Sequence[str], running: Set[str], night: Night) -> list[str]:
        """In their order, where no other is being opened: few at each place, and as many as this machine has hands
        for."""
        opening = self._claims.opening(self._demands[key] for key in running)
        many = max(0 if opening else 1, round(HANDS * (FULL_HANDS - (self._processors.sample() or 0.0))))
        room = Counter({place: most for key in keys for place, most in _places(self._demands[key], night).items()})
        room.update({place: -1 for each in opening for place, most in _places(each, night).items() if most == 1})
        first: list[str] = []
        for key in keys:
            places = _places(self._demands[key], night)
            if len(first) < many and all(room[place] > 0 for place in places):
                first.append(key)
                room.subtract(places.keys())
        return first

    def _room(self, urgent: Set[str], running: Set[str]) -> Room:
        asking, busy = ([self._demands[key] for key in keys] for keys in (urgent, running))
        return room_for(asking, busy, self._with.limits.resources(), self._with.limits.streams())

    def _closed(self, key: str, room: Room) -> bool:
        """Whether something on its way carries nothing at this hour; the run says once that it waits for that."""
        shut = [name for name in self._demands[key].resources if room.resources[name].capacity == 0]
        if shut and key not in self._told:
            self._told.add(key)
            self._with.progress(key).note(f"waits until {told(shut[0])} carries something again", "warning")
        return bool(shut)

    def _broken_for(self, key: str, room: Room) -> list[str]:
        """Which learned limits that are exceeded now it would make use of, in words."""
        return [room.broken[name] for name in self._demands[key].resources if name in room.broken]

    def _tell(self, started: Sequence[Run], room: Room) -> None:
        for run in started:
            for why in self._broken_for(run.run_id, room):
                self._with.progress(run.run_id).note(why, "warning")

    def _waits(self, run: Run, still_open: Sequence[Run]) -> bool:
        """Whether a run of a workload that this one comes after, asked for together with it, is still open."""
        after = self._with.estate.workloads[run.workload].after if run.workload in self._with.estate.workloads else ()
        return any(other.workload in after and other.requested_at == run.requested_at for other in still_open)

    def _look_up(self, runs: Sequence[Run]) -> None:
        if self._rules is None or any(run.run_id not in self._demands for run in runs):
            self._demands = self._demanded(runs)
            self._rules = None

    def _night(self, runs: Sequence[Run], running: frozenset[str], room: Room) -> tuple[Night, Rules]:
        still_open = {run.run_id for run in runs}
        known = [demand for key, demand in self._demands.items() if key in still_open]
        night = Night(self._claims.of(known, running, room.resources), room.resources)
        if self._rules is None:
            self._rules = chosen(self._with.estate.workflow, night, self._window_s, running)
        return night, self._rules

    def _demanded(self, runs: Sequence[Run]) -> dict[str, Demand]:
        stands = self._standings()
        estate, now = self._with.estate, self._with.clock.now()
        demands = {}
        self._window_s = inf
        self._urgency = Urgency()
        self._streams = set()
        for run in runs:
            stand, target = stands.get(run.workload), estate.targets.get(run.target)
            if stand and target:
                ends = run.start_by or now + stand.workload.owed.rpo
                self._window_s = min(self._window_s, max(0.0, (ends - now).total_seconds()))
                # What it comes after is seen to here, by runs; the rules order what is ready.
                demands[run.run_id] = replace(demand_of(run.run_id, estate, stand, target, now), after=())
                if self._is_streamed(stand.workload):
                    self._streams.add(run.run_id)
                self._urgency.know(run.run_id, stand)
            else:
                # No longer in the file: it ends by the one before, or its first step says so.
                demands[run.run_id] = self._demands.get(run.run_id) or Demand(run.run_id, 0.0)
        return demands

    def _is_streamed(self, workload: Workload) -> bool:
        """Whether its bytes cross the links as they are read, with no engine before them."""
        site = self._with.source_site(workload)
        kind = site.kinds.get(workload.kind)
        return site is not self._with.here and kind is not None and not kind.sealed


def _places(demand: Demand, night: Night) -> dict[str, int]:
    """What its bytes cross, and where they come from, with how many begin there at one look."""
    host = host_of(demand, night.resources)
    return {site_of(demand, night): AT_A_SITE, **({host: ON_A_HOST} if host else {})}
