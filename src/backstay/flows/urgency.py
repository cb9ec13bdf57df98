"""What is owed goes before a limit that was learned: runs that lose their RPO while they wait for a slot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from backstay.planning.live.kneeguard import State, limit_for
from backstay.planning.network import told
from backstay.planning.night.model import Demand, Resource
from backstay.planning.objectives import Standing


@dataclass(frozen=True, slots=True)
class Room:
    """Resources with the slots of this moment; `broken` says of each learned limit that is exceeded why it is."""

    resources: Mapping[str, Resource]
    broken: Mapping[str, str]


@dataclass(slots=True)
class Urgency:
    """Knows for each run from when on waiting costs its RPO, and until when there is one to lose."""

    _between: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)

    def know(self, run_id: str, stand: Standing) -> None:
        """A workload that was never backed up, and one whose RPO is broken already, have nothing left to lose."""
        if stand.as_of and stand.latest_start:
            self._between[run_id] = (stand.latest_start, stand.as_of + stand.workload.owed.rpo)

    def of(self, run_ids: Iterable[str], now: datetime) -> frozenset[str]:
        """Those of the runs that cannot wait."""
        between = ((run_id, self._between.get(run_id)) for run_id in run_ids)
        return frozenset(run_id for run_id, span in between if span and span[0] <= now < span[1])

    def promised_s(self, now: datetime) -> dict[str, float]:
        """Seconds until the RPO of each run is lost that has one to lose."""
        ends = ((run_id, end) for run_id, (_, end) in self._between.items())
        return {run_id: (end - now).total_seconds() for run_id, end in ends if now < end}


def room_for(
    urgent: Iterable[Demand], running: Iterable[Demand], resources: Mapping[str, Resource], learned: Mapping[str, State]
) -> Room:
    """The resources, learned limits widened as far as that saves an RPO."""
    asked, busy = (Counter(key for demand in those for key in demand.resources) for those in (urgent, running))
    allowed = {key: limit_for(state, busy[key], asked[key], told(key)) for key, state in learned.items()}
    broken = {key: each.broken for key, each in allowed.items() if each.broken}
    wider = {key: replace(resources[key], slots=allowed[key].streams) for key in broken}
    return Room({**resources, **wider}, broken)
