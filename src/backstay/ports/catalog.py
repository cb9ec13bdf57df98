"""The records: runs, restore points, fingerprints, drills and evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backstay.domain.drills import Drill, Evidence
from backstay.domain.points import Fingerprint, Inventory, PointState, RestorePoint
from backstay.domain.runs import Run, RunNote, RunProgress


@dataclass(frozen=True, slots=True)
class Facts:
    """The newest facts about one workload, kept up to date with every write rather than computed from history.

    `last_run` is the newest request, `last_point` the newest point that counts; drills by their start.
    """

    last_run: Run | None = None
    last_point: RestorePoint | None = None
    last_proven: Drill | None = None
    last_drill: Drill | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A run that ended well: how long it took, and how it moved its bytes, where that is known."""

    seconds: float
    moved: int | None = None
    moving_s: float | None = None
    own_rate: int | None = None


class Catalog(Protocol):
    """Errors: CatalogError when records cannot be read or written; InvariantBroken for a moment without time zone,
    or a write about a run or point that was never added. Every write is one transaction. Times are aware UTC.
    """

    def add_run(self, run: Run) -> Run:
        """Keep a new run; if its `run_id` is known already, change nothing and return what is there."""

    def ask_for(self, run: Run, since: datetime | None = None) -> Run:
        """Keep a new run, or return the one that answers it: one for the same workload and target that is open, or was
        asked for since then. Of several programs that ask at once one adds a run, and the others get it."""

    def save_run(self, run: Run) -> None:
        """Replace what is kept of this run. A run that has a result is never changed again."""

    def run(self, run_id: str) -> Run | None: ...

    def runs(self, *, workload: str | None = None, open_only: bool = False, limit: int | None = None) -> Sequence[Run]:
        """Newest request first."""

    def measured(self, targets: Mapping[str, str], limit: int = 30) -> Mapping[str, Sequence[Measured]]:
        """By workload, each with its target: its newest runs there that ended `done`, newest first."""

    def request_cancel(self, run_id: str) -> bool:
        """Mark an open run to be stopped; False if it has ended or is unknown."""

    def cancel_requested(self, run_id: str) -> bool: ...

    def beat(self, progress: RunProgress) -> None:
        """Replace what is known of how far a run is."""

    def progress(self, run_id: str) -> RunProgress | None: ...

    def note(self, note: RunNote) -> None:
        """Add a line to a run's log."""

    def notes(self, run_id: str) -> Sequence[RunNote]:
        """Oldest first."""

    def add_point(self, point: RestorePoint, fingerprint: Fingerprint | None) -> RestorePoint:
        """Keep a new point with its fingerprint; if its run has one already, change nothing and return that one."""

    def point(self, prefix: str) -> RestorePoint | None:
        """The one point whose name begins so; None if there is none; ConfigError if there are several."""

    def points(
        self, workload: str | None = None, *, counting: bool = False, limit: int | None = None
    ) -> Sequence[RestorePoint]:
        """Newest `as_of` first; only those that count if asked."""

    def point_of_run(self, run_id: str) -> RestorePoint | None: ...

    def set_point_state(self, point: str, state: PointState) -> None: ...

    def fingerprint(self, point: str) -> Fingerprint | None: ...

    def save_inventory(self, target: str, engine: str, repository: str, inventory: Inventory) -> None:
        """Replace the expected pieces of one repository."""

    def inventory(self, target: str, engine: str, repository: str) -> Inventory | None: ...

    def stored_in(self, target: str) -> bool:
        """Whether any repository in this target was ever recorded."""

    def add_drill(self, drill: Drill, evidence: Evidence) -> None:
        """Keep a drill and its evidence together; adding the same drill twice changes nothing.

        Evidence numbers ascend from 1 without gaps. Unavailable if other evidence has taken this number meanwhile:
        seal the record again, upon the newest.
        """

    def drills(self, workload: str | None = None, limit: int | None = None) -> Sequence[Drill]:
        """Newest first."""

    def last_evidence(self) -> Evidence | None: ...

    def evidence(self, number: int) -> Evidence | None: ...

    def facts(self) -> Mapping[str, Facts]:
        """By workload; a workload without history is absent. Independent of how many points there are."""

    def close(self) -> None: ...
