"""The catalog on SQLite or PostgreSQL, and how it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine

from backstay.domain.drills import Drill, Evidence
from backstay.domain.points import Fingerprint, Inventory, PointState, RestorePoint
from backstay.domain.runs import Run, RunNote, RunProgress
from backstay.domain.secrets import Secret
from backstay.ports.catalog import Catalog, Facts, Measured
from backstay.ports.clock import Clock

from . import drills, facts, points, runs
from .address import Address, read_address
from .connection import connect, reader, writer
from .failures import said_clearly
from .schema import prepare


def open_catalog(address: str | Secret, clock: Clock) -> Catalog:
    """The catalog at `sqlite:///path` or `postgresql://…`, its tables made or brought up to date if need be.

    Several processes and threads may use one catalog at once. A SQLite file is readable by its owner alone.

    Raises: ConfigError if the address is of neither kind; CatalogError if the catalog cannot be used.
    """
    place = read_address(address)
    engine = connect(place)
    try:
        prepare(engine, place)
    except BaseException:
        engine.dispose()
        raise
    return SqlCatalog(engine, place, clock)


class SqlCatalog:
    """Keeps the promises of the port `Catalog`; each method is one transaction."""

    def __init__(self, engine: Engine, address: Address, clock: Clock) -> None:
        self._engine = engine
        self._address = address
        self._clock = clock
        self._reader = reader(engine)
        self._writer = writer(engine)

    def add_run(self, run: Run) -> Run:
        with self._write() as db:
            return runs.add(db, run)

    def ask_for(self, run: Run, since: datetime | None = None) -> Run:
        with self._write() as db:
            return runs.ask_for(db, run, since)

    def save_run(self, run: Run) -> None:
        with self._write() as db:
            runs.save(db, run)

    def run(self, run_id: str) -> Run | None:
        with self._read() as db:
            return runs.one(db, run_id)

    def runs(self, *, workload: str | None = None, open_only: bool = False, limit: int | None = None) -> Sequence[Run]:
        with self._read() as db:
            return runs.newest(db, workload, open_only, limit)

    def measured(self, targets: Mapping[str, str], limit: int = 30) -> Mapping[str, Sequence[Measured]]:
        with self._read() as db:
            return {workload: runs.measured(db, workload, target, limit) for workload, target in targets.items()}

    def request_cancel(self, run_id: str) -> bool:
        with self._write() as db:
            return runs.request_cancel(db, run_id, self._clock.now())

    def cancel_requested(self, run_id: str) -> bool:
        with self._read() as db:
            return runs.cancel_requested(db, run_id)

    def beat(self, progress: RunProgress) -> None:
        with self._write() as db:
            runs.beat(db, progress)

    def progress(self, run_id: str) -> RunProgress | None:
        with self._read() as db:
            return runs.progress(db, run_id)

    def note(self, note: RunNote) -> None:
        with self._write() as db:
            runs.note(db, note)

    def notes(self, run_id: str) -> Sequence[RunNote]:
        with self._read() as db:
            return runs.notes(db, run_id)

    def add_point(self, point: RestorePoint, fingerprint: Fingerprint | None) -> RestorePoint:
        with self._write() as db:
            return points.add(db, point, fingerprint, self._clock.now())

    def point(self, prefix: str) -> RestorePoint | None:
        with self._read() as db:
            return points.by_prefix(db, prefix)

    def points(
        self, workload: str | None = None, *, counting: bool = False, limit: int | None = None
    ) -> Sequence[RestorePoint]:
        with self._read() as db:
            return points.newest(db, workload, counting, limit)

    def point_of_run(self, run_id: str) -> RestorePoint | None:
        with self._read() as db:
            return points.of_run(db, run_id)

    def set_point_state(self, point: str, state: PointState) -> None:
        with self._write() as db:
            points.set_state(db, point, state, self._clock.now())

    def fingerprint(self, point: str) -> Fingerprint | None:
        with self._read() as db:
            return points.fingerprint(db, point)

    def save_inventory(self, target: str, engine: str, repository: str, inventory: Inventory) -> None:
        with self._write() as db:
            points.save_inventory(db, target, engine, repository, inventory)

    def inventory(self, target: str, engine: str, repository: str) -> Inventory | None:
        with self._read() as db:
            return points.inventory(db, target, engine, repository)

    def stored_in(self, target: str) -> bool:
        with self._read() as db:
            return points.stored_in(db, target)

    def add_drill(self, drill: Drill, evidence: Evidence) -> None:
        with self._write() as db:
            drills.add(db, drill, evidence)

    def drills(self, workload: str | None = None, limit: int | None = None) -> Sequence[Drill]:
        with self._read() as db:
            return drills.newest(db, workload, limit)

    def last_evidence(self) -> Evidence | None:
        with self._read() as db:
            return drills.last_evidence(db)

    def evidence(self, number: int) -> Evidence | None:
        with self._read() as db:
            return drills.evidence(db, number)

    def facts(self) -> Mapping[str, Facts]:
        with self._read() as db:
            return facts.read(db)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with said_clearly(self._address), self._reader.connect() as db:
            yield db

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with said_clearly(self._address), self._writer.begin() as db:
            yield db
