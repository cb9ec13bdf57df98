"""The kind `sqlite`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from backstay.domain.errors import InvariantBroken, SourceFailed
from backstay.domain.estate import SqliteSource, Workload
from backstay.domain.points import Fingerprint
from backstay.domain.runs import Amount
from backstay.ports.clock import Clock
from backstay.ports.engine import Paths
from backstay.ports.kind import HoldRequest, Look, RaiseRequest
from backstay.ports.progress import Progress
from backstay.ports.runner import Runner

from .database import BESIDE, digest_of
from .raised import RaisedSqlite
from .record import Record
from .staging import LOCK_WAIT_S, Staged, stage

METHOD = "sqlite/blake3/1"


class SqliteKind:
    """One SQLite database file on this machine. `lock_wait_s` bounds the wait for a program that has locked it.

    Copying and counting are single calls into SQLite: a request to stop is heard before and after each, not within.
    """

    name = "sqlite"
    sealed = True

    def __init__(self, runner: Runner, clock: Clock, lock_wait_s: float = LOCK_WAIT_S) -> None:
        self._runner = runner
        self._clock = clock
        self._lock_wait_s = lock_wait_s

    def look(self, workload: Workload, progress: Progress) -> Look:
        path = _demand(workload)
        sizes = [os.path.getsize(path + end) for end in BESIDE[:2] if os.path.exists(path + end)]
        return Look(Amount(bytes=sum(sizes)), version=_last_writer(path))

    @contextmanager
    def hold(self, request: HoldRequest, progress: Progress) -> Iterator[HeldSqlite]:
        progress.phase("stage")
        path = _demand(request.workload)
        staged = stage(path, request.place, self._clock, progress, self._lock_wait_s)
        if not staged.record.rows and not request.workload.plausible.empty:
            raise _empty(request.workload, f"{path} has no tables")
        yield HeldSqlite(request.place, staged)

    @contextmanager
    def raise_elsewhere(self, request: RaiseRequest, progress: Progress) -> Iterator[RaisedSqlite]:
        fingerprint = request.fingerprint
        record = Record.unpacked(fingerprint.body) if fingerprint and fingerprint.method == METHOD else None
        # As it was called then: the estate file may name another path by now.
        name = fingerprint.facts.get("file") if fingerprint else None
        name = name or os.path.basename(_path(request.workload))
        yield RaisedSqlite(request.folder, name, fingerprint, record, self._runner, self._clock)

    def runbook(self, workload: Workload, folder: str) -> tuple[str, ...]:
        path = _path(workload)
        restored = shlex.quote(os.path.join(folder, os.path.basename(path)))
        beside = " ".join(shlex.quote(path + end) for end in ("-wal", "-shm", "-journal"))
        return (
            f"sqlite3 {restored} 'PRAGMA integrity_check'",
            f"rm -f -- {beside}",
            f"cp -a -- {restored} {shlex.quote(path)}",
        )


@dataclass(frozen=True, slots=True)
class HeldSqlite:
    """A copy that nobody else touches. The source was let go as soon as the copy and the counts were made."""

    place: str
    staged: Staged

    @property
    def source(self) -> Paths:
        return Paths(self.place, (os.path.basename(self.staged.file),))

    @property
    def as_of(self) -> datetime:
        return self.staged.as_of

    @property
    def amount(self) -> Amount:
        return Amount(os.path.getsize(self.staged.file), self.staged.record.total)

    def fingerprint(self, progress: Progress) -> Fingerprint:
        progress.phase("fingerprint")
        record = self.staged.record
        facts = {
            **record.marks,
            "file": os.path.basename(self.staged.file),
            "blake3": digest_of(self.staged.file, progress),
            "tables": len(record.rows),
            "rows": record.total,
            "foreign_key_violations": self.staged.violations,
            "unchecked": self.staged.unchecked,
        }
        return Fingerprint(METHOD, self.amount, facts, record.packed())


def _path(workload: Workload) -> str:
    if not isinstance(workload.source, SqliteSource):
        raise InvariantBroken(f"{workload.name} is not a workload of SQLite", subject=workload.name)
    return workload.source.path


def _demand(workload: Workload) -> str:
    path = _path(workload)
    if not os.path.isfile(path):
        reason = "is a folder" if os.path.isdir(path) else "does not exist"
        raise SourceFailed(f"{path} {reason}", subject=workload.name, hint="`path` must name the database file.")
    if os.path.getsize(path) == 0 and not workload.plausible.empty:
        raise _empty(workload, f"{path} is an empty file")
    return path


def _empty(workload: Workload, message: str) -> SourceFailed:
    hint = "If that is as it should be, say `plausible: {empty: true}` on the workload."
    return SourceFailed(message, subject=workload.name, hint=hint)


def _last_writer(path: str) -> str | None:
    """The version of SQLite that wrote last, from bytes 96 to 99 of the header."""
    try:
        with open(path, "rb") as file:
            number = int.from_bytes(file.read(100)[96:100])
    except OSError as error:
        raise SourceFailed(f"{path} cannot be read: {error.strerror}", subject=path) from error
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}" if number else None
