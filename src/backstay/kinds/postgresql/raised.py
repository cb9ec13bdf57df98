"""A restored database that answers, held against its record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, LiteralString

from backstay.domain.drills import LevelResult
from backstay.domain.errors import BackstayError
from backstay.domain.estate import Question
from backstay.domain.points import Fingerprint
from backstay.ports.progress import Progress
from backstay.ports.runner import Runner
from backstay.ports.secrets import Secrets

from . import rows, structure
from .address import connected
from .cluster import Cluster
from .comparing import objects_differ, rows_differ, sequences_differ, told
from .questions import answered
from .record import METHOD, Record, decode
from .remarks import remarks
from .schema import SchemaReader

if TYPE_CHECKING:
    from .address import Connection

_INVALID: LiteralString = """
SELECT format('index %I.%I is invalid', n.nspname, c.relname)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' ORDER BY 1"""


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
            again = SchemaReader(self._runner, self._cluster, self._dumpers[record.schema_by], self._dump, progress)
            restored = {**again.objects_of(self._database), **structure.objects_beside(connection)}
            excused = again.excused(connection, record.objects, restored)
            wrong = [
                *objects_differ(record.objects, restored, excused),
                *(sentence for (sentence,) in connection.execute(_INVALID)),
                *sequences_differ(record.sequences, rows.sequences(connection)),
            ]
            source = self._fingerprint.facts if self._fingerprint else {}
            told_so = list(remarks(connection, record, source))
        if wrong:
            return LevelResult("L4", "failed", told(wrong))
        counted = f"{len(record.objects):,} objects and {len(record.sequences):,} sequences as recorded"
        return LevelResult("L4", "passed", "; ".join([counted, *told_so]))

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


def _value(connection: Connection, query: LiteralString) -> object:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
