"""A restored database that answers, held against its record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, LiteralString

from backstay.domain.drills import LevelResult
from backstay.domain.errors import BackstayError, EngineFailed
from backstay.domain.estate import Question
from backstay.domain.points import Fingerprint
from backstay.ports.progress import Progress
from backstay.ports.runner import Command, Runner
from backstay.ports.secrets import Secrets

from . import argv, rows, structure
from .address import connected
from .cluster import Cluster
from .comparing import changed, extensions_differ, objects_differ, rows_differ, sequences_differ, told
from .questions import answered
from .record import METHOD, Record, decode

if TYPE_CHECKING:
    from .address import Connection

_SECOND = "backstay_second"

_INVALID: LiteralString = """
SELECT format('index %I.%I is invalid', n.nspname, c.relname)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' ORDER BY 1"""

_OWNED: LiteralString = """
SELECT format('%I.%I', sn.nspname, s.relname), tn.nspname, t.relname, a.attname
FROM pg_depend d
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_class t ON t.oid = d.refobjid
JOIN pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) ORDER BY 1"""


@dataclass(frozen=True, slots=True)
class NotRaised:
    """What could not be brought to life, for a reason in the data."""

    reason: str

    @property
    def started(self) -> LevelResult:
        return LevelResult("L3", "failed", self.reason)

    def structure(self, progress: Progress) -> LevelResult:
        return LevelResult("L4", "skipped", "the database was not raised")

    def data(self, progress: Progress) -> LevelResult:
        return LevelResult("L5", "skipped", "the database was not raised")

    def ask(self, question: Question, progress: Progress) -> LevelResult:
        return LevelResult("L7", "skipped", "the database was not raised")


class RaisedDatabase:
    """`dump` is what it was loaded from; `dumpers` are the pg_dump programs of this machine by major version."""

    def __init__(
        self,
        runner: Runner,
        secrets: Secrets,
        cluster: Cluster,
        database: str,
        dump: str,
        fingerprint: Fingerprint | None,
        dumpers: Mapping[int, str],
    ) -> None:
        self._runner = runner
        self._secrets = secrets
        self._cluster = cluster
        self._database = database
        self._dump = dump
        self._fingerprint = fingerprint
        self._dumpers = dumpers

    @property
    def started(self) -> LevelResult:
        try:
            with self._connected() as connection:
                version = str(_value(connection, "SELECT current_setting('server_version')"))
        except BackstayError as error:
            return LevelResult("L3", "failed", error.message)
        told_so = [f"PostgreSQL {version} answers"]
        source = self._fingerprint.facts.get("version", version) if self._fingerprint else version
        if source != version:
            told_so.append(f"the source had {source}")
        if self._cluster.stands_in:
            told_so.append(f"locale {self._cluster.stands_in} is not installed here, a plain one stands in")
        return LevelResult("L3", "passed", "; ".join(told_so))

    def structure(self, progress: Progress) -> LevelResult:
        record = self._record
        if record is None:
            return LevelResult("L4", "skipped", "no structure was recorded with this backup")
        if record.schema_by not in self._dumpers:
            reason = f"the structure was written by pg_dump {record.schema_by}, which is not installed here"
            return LevelResult("L4", "skipped", reason)
        with self._connected() as connection:
            restored = {**self._schema(self._database, progress), **structure.objects_beside(connection)}
            excused = self._excused(record, restored, progress)
            wrong = [
                *objects_differ(record.objects, restored, excused),
                *(sentence for (sentence,) in connection.execute(_INVALID)),
                *sequences_differ(record.sequences, rows.sequences(connection)),
            ]
            remarks = list(self._remarks(connection, record))
        if wrong:
            return LevelResult("L4", "failed", told(wrong))
        counted = f"{len(record.objects):,} objects and {len(record.sequences):,} sequences as recorded"
        return LevelResult("L4", "passed", "; ".join([counted, *remarks]))

    def data(self, progress: Progress) -> LevelResult:
        record = self._record
        if record is None:
            return LevelResult("L5", "skipped", "no fingerprint was recorded with this backup")
        with self._connected() as connection, connection.transaction():
            compared, _ = rows.tables(connection)
            restored = {table.quoted: rows.rows_of(connection, table, progress) for table in compared}
            large = rows.large_objects(connection, progress)
        wrong = list(rows_differ(record, restored, large))
        if wrong:
            return LevelResult("L5", "failed", told(wrong))
        objects = f" and {large.count:,} large objects" if large.count else ""
        apart = told([f"{name} ({why})" for name, why in record.not_compared.items()])
        equal = f"{record.rows:,} rows of {len(record.tables):,} tables{objects} equal to the record"
        return LevelResult("L5", "passed", equal + (f"; not compared: {apart}" if apart else ""))

    def ask(self, question: Question, progress: Progress) -> LevelResult:
        if question.query is None:
            return LevelResult("L7", "skipped", f"{question.name}: a database is asked by queries")
        with self._connected() as connection:
            return answered(connection, question.name, question.query, question.expect)

    @cached_property
    def _record(self) -> Record | None:
        if self._fingerprint is None or self._fingerprint.method != METHOD:
            return None
        return decode(self._fingerprint.body)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with connected(self._cluster.address.to(self._database), self._secrets) as connection:
            yield connection

    def _schema(self, database: str, progress: Progress) -> Mapping[str, str]:
        record = self._record
        programs = self._dumpers[record.schema_by] if record else self._cluster.programs
        command = Command(argv.schema(programs), env=self._cluster.environment(database))
        done = self._runner.run(command, progress)
        if done.status != 0:
            raise EngineFailed(f"pg_dump of the restored database ended with status {done.status}", hint=done.err)
        return structure.objects_in(done.out)

    def _excused(self, record: Record, restored: Mapping[str, str], progress: Progress) -> frozenset[str]:
        """Objects that PostgreSQL writes otherwise after a restore, though nothing was lost.

        A check on a varchar column, for one, comes back with its casts in another place. Such an object is excused if
        the dump's definition is the recorded one, and loading that definition once more gives what was restored.
        """
        suspects = changed(record.objects, restored)
        if not suspects:
            return frozenset()
        listing = self._runner.run(Command(argv.stored_schema(self._cluster.programs, self._dump)), progress)
        stored = structure.objects_in(listing.out)
        with self._connected() as connection:
            _copy_empty(connection)
        command = argv.restore_schema(self._cluster.programs, self._dump, _SECOND)
        self._runner.run(Command(command, env=self._cluster.environment(_SECOND)), progress)
        again = self._schema(_SECOND, progress)
        return frozenset(
            name for name in suspects
            if stored.get(name) == record.objects[name] and again.get(name) == restored[name]
        )  # fmt: skip

    def _remarks(self, connection: Connection, record: Record) -> Iterator[str]:
        yield from extensions_differ(record.extensions, structure.extensions(connection))
        facts = self._fingerprint.facts if self._fingerprint else {}
        sorted_by = _value(
            connection,
            "SELECT coalesce(to_jsonb(d)->>'datcollversion', '') FROM pg_database d WHERE datname = current_database()",
        )
        if facts.get("collation_version", sorted_by) != sorted_by:
            yield f"text is sorted by collation version {sorted_by} here, {facts['collation_version']} at the source"
        yield from _behind_their_columns(connection)


def _behind_their_columns(connection: Connection) -> Iterator[str]:
    """Sequences below the highest value in the column they feed: true of many sources, so not a fault of the backup."""
    from psycopg.sql import SQL, Identifier

    standing = rows.sequences(connection)
    for sequence, schema, table, column in connection.execute(_OWNED).fetchall():
        query = SQL("SELECT max({}) FROM {}").format(Identifier(column), Identifier(schema, table))
        row = connection.execute(query).fetchone()
        highest, now = row[0] if row else None, standing.get(sequence)
        if now and now.step > 0 and highest is not None and (now.last or 0) < highest:
            yield f"sequence {sequence} is behind the highest {column} of {table}, {highest:,}"


def _copy_empty(connection: Connection) -> None:
    """A second, empty database like the one of this session."""
    from psycopg.sql import SQL, Identifier, Literal

    row = connection.execute(
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    encoding, collate, ctype = row or ("UTF8", "C", "C")
    connection.execute(SQL("DROP DATABASE IF EXISTS {}").format(Identifier(_SECOND)))
    connection.execute(
        SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(
            Identifier(_SECOND), Literal(encoding), Literal(collate), Literal(ctype)
        )
    )


def _value(connection: Connection, query: LiteralString) -> object:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
