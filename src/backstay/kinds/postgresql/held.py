"""One moment of a database, staged in files and fingerprinted in the same snapshot."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from backstay.domain.errors import BackstayError, EngineFailed, InvariantBroken, SourceFailed, Unavailable
from backstay.domain.points import Fingerprint
from backstay.domain.runs import Amount
from backstay.domain.secrets import Secret
from backstay.ports.clock import Clock
from backstay.ports.engine import Paths
from backstay.ports.kind import HoldRequest
from backstay.ports.progress import Progress
from backstay.ports.runner import Command, Runner
from backstay.ports.secrets import Secrets

from . import argv, programs, rows, structure
from .address import address_of, child_environment, connected
from .facts import ServerFacts, facts_of, printable, reads_passwords, require_readable
from .record import METHOD, Record, encode

if TYPE_CHECKING:
    from .address import Connection

_TIME_MAY_CURE = (
    "could not obtain lock", "lock timeout", "terminating connection", "server closed the connection",
    "could not connect", "connection to server", "the database system is", "does not exist", "conflict with recovery",
)  # fmt: skip
"""Words of pg_dump that speak of a server that went away or a schema that changed under it."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A dump that lies in files. Production's snapshot was let go before this could be seen."""

    source: Paths
    as_of: datetime
    recorded: Fingerprint

    @property
    def amount(self) -> Amount:
        return self.recorded.amount

    def fingerprint(self, progress: Progress) -> Fingerprint:
        return self.recorded


class Stager:
    """Dumps a database and its globals into a place."""

    def __init__(self, runner: Runner, secrets: Secrets, clock: Clock) -> None:
        self._runner = runner
        self._secrets = secrets
        self._clock = clock

    def stage(self, request: HoldRequest, progress: Progress) -> Staged:
        """Everything of one snapshot: globals, dump, structure, row hashes. The snapshot is let go in any case."""
        address = address_of(request.workload, self._secrets)
        with connected(address, self._secrets) as connection:
            facts = facts_of(connection)
            require_readable(connection)
            version, folder = programs.dumper(programs.found(self._runner, "pg_dump"), facts.major)
            environment = child_environment(connection)
            work = _Work(self._runner, environment, folder, facts, request, progress)
            as_of = self._clock.now()
            # Leaving the block ends the transaction either way; nothing was written in it.
            with connection.transaction():
                record = _taken(work, connection, version)
        amount = Amount(bytes=_size(work.dump), items=record.rows + record.large_objects.count)
        recorded = Fingerprint(METHOD, amount, _facts(facts, record), encode(record))
        return Staged(Paths(request.place, (argv.GLOBALS, os.path.basename(work.dump))), as_of, recorded)


@dataclass(frozen=True, slots=True)
class _Work:
    runner: Runner
    environment: Mapping[str, str | Secret]
    programs: str
    facts: ServerFacts
    request: HoldRequest
    progress: Progress

    @property
    def dump(self) -> str:
        return os.path.join(self.request.place, argv.dump_name(self.facts.database))

    def run(self, command: tuple[str, ...]) -> str:
        """Standard output of one of PostgreSQL's programs that ended well and had nothing to complain of."""
        done = self.runner.run(
            Command(command, env=self.environment, run_id=self.request.run_id, cwd=self.request.place), self.progress
        )
        if done.status != 0:
            raise _failed(os.path.basename(command[0]), self.facts.database, done.status, done.err)
        for line in done.err.splitlines():
            self.progress.note(line, "warning")
        return done.out


def _taken(work: _Work, connection: Connection, version: int) -> Record:
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    answer = connection.execute("SELECT pg_export_snapshot()").fetchone()
    if answer is None:
        raise InvariantBroken("a snapshot without a name")
    compared, not_compared = rows.tables(connection)
    rows.lock(connection, compared)
    # Before the dump, which reads them later: what it stores can only be further on.
    sequences = rows.sequences(connection)
    work.progress.phase("dump")
    passwords = reads_passwords(connection)
    globals_file = os.path.join(work.request.place, argv.GLOBALS)
    work.run(argv.global_objects(work.programs, work.facts.database, globals_file, passwords=passwords))
    work.run(argv.dump(work.programs, answer[0], work.dump))
    schema = work.run(argv.schema(work.programs, answer[0]))
    work.progress.phase("fingerprint")
    return Record(
        tables={table.quoted: rows.rows_of(connection, table, work.progress) for table in compared},
        large_objects=rows.large_objects(connection, work.progress),
        sequences=sequences,
        objects={**structure.objects_in(schema), **structure.objects_beside(connection)},
        extensions=structure.extensions(connection),
        not_compared=not_compared,
        schema_by=version,
    )


def _facts(facts: ServerFacts, record: Record) -> dict[str, object]:
    return {
        **printable(facts),
        "tables": len(record.tables),
        "rows": record.rows,
        "roles": sum(name.startswith("role ") for name in record.objects),
        "extensions": sorted(record.extensions),
    }


def _size(folder: str) -> int:
    return sum(entry.stat().st_size for entry in os.scandir(folder))


def _failed(program: str, database: str, status: int, said: str) -> BackstayError:
    lines = said.strip().splitlines()
    complaint = next((line for line in lines if "error:" in line), lines[-1] if lines else "it said nothing")
    message = f"{program} of database {database} ended with status {status}: {complaint}"
    hint = f"It said last: {' / '.join(lines[-5:])}" if len(lines) > 1 else None
    if "permission denied" in said or "row-level security" in said:
        return SourceFailed(message, subject=database, hint=hint)
    if any(words in said for words in _TIME_MAY_CURE):
        return Unavailable(message, subject=database, hint=hint)
    return EngineFailed(message, subject=database, hint=hint)
