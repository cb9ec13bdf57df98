"""The data as numbers: one query per table, one pass, exact.

Method `postgresql/rows/1`. PostgreSQL's own `hash_record_extended` is the fastest row hash (0.6 to 1 times the dump),
but it hashes what is *equal* alike: 1.0 and 1.00, -0 and 0, one month and thirty days, a citext in another case; and it
hashes an enum by a number that another server gives out anew, and cannot hash json, xml or points at all. So only
columns of types for which equal means identical go into it as they are. All others go in together as text, written by
their output functions under pinned settings. Columns are taken by name, since a dump may bring back those of an
inheriting table in another order. The hashes mean the same only on servers of one major version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from backstay.ports.progress import Progress

from .record import Rows, Sequence

if TYPE_CHECKING:
    from psycopg.sql import Composed

    from .address import Connection

SEEDS = (0, 7_046_029_254_386_353_131)
CHECK_EVERY_S = 0.25
LARGE_OBJECT_SLICE = 1 << 28  # lo_get gives 1 GB at most

EQUAL_MEANS_IDENTICAL = (
    "bool", "int2", "int4", "int8", "oid", "text", "varchar", "bpchar", "bytea", "uuid",
    "date", "time", "timestamp", "timestamptz",
)  # fmt: skip

_RELATIONS: LiteralString = """
SELECT c.oid::int8, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname),
       CASE WHEN e.extname IS NOT NULL THEN 'belongs to extension ' || e.extname
            WHEN c.relkind = 'm' THEN 'materialized view'
            WHEN c.relkind = 'f' THEN 'foreign table'
            WHEN c.relpersistence = 'u' THEN 'unlogged table' END
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
LEFT JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
WHERE c.relkind IN ('r', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 4"""

_COLUMNS: LiteralString = """
WITH RECURSIVE bare(type, root) AS (
    SELECT oid, oid FROM pg_type WHERE typbasetype = 0
    UNION ALL SELECT t.oid, b.root FROM pg_type t JOIN bare b ON t.typbasetype = b.type)
SELECT a.attrelid::int8, a.attname, b.root = ANY (%s::regtype[]) AND coalesce(l.collisdeterministic, true)
FROM pg_attribute a
JOIN bare b ON b.type = a.atttypid
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE a.attrelid = ANY (%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attname COLLATE "C" """

_SEQUENCES: LiteralString = """
SELECT format('%I.%I', schemaname, sequencename), last_value, increment_by, cycle
FROM pg_sequences WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema' ORDER BY 1"""

_LARGE_OBJECTS: LiteralString = """
SELECT count(DISTINCT o.oid),
       coalesce(sum(hash_record_extended(ROW(o.oid, i, lo_get(o.oid, i * {slice}, {slice})), {one})::numeric), 0)::text,
       coalesce(sum(hash_record_extended(ROW(o.oid, i, lo_get(o.oid, i * {slice}, {slice})), {two})::numeric), 0)::text
FROM pg_largeobject_metadata o,
     LATERAL (SELECT lo_open(o.oid, 262144) AS open) f,
     LATERAL (SELECT lo_lseek64(f.open, 0, 2) AS bytes) s,
     LATERAL generate_series(0, s.bytes / {slice}) i"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with rows of its own, and its columns sorted by name."""

    schema: str
    name: str
    quoted: str
    identical: tuple[str, ...]
    as_text: tuple[str, ...]


def tables(connection: Connection) -> tuple[tuple[Table, ...], Mapping[str, str]]:
    """The tables to compare (of partitioned ones their leaves), and why the others are not."""
    relations = connection.execute(_RELATIONS).fetchall()
    compared = [row for row in relations if row[4] is None]
    columns: dict[int, tuple[list[str], list[str]]] = {row[0]: ([], []) for row in compared}
    found = connection.execute(_COLUMNS, (list(EQUAL_MEANS_IDENTICAL), list(columns)))
    for table, column, identical in found:
        columns[table][0 if identical else 1].append(column)
    kept = (Table(row[1], row[2], row[3], tuple(columns[row[0]][0]), tuple(columns[row[0]][1])) for row in compared)
    return tuple(kept), {row[3]: row[4] for row in relations if row[4] is not None}


def lock(connection: Connection, locked: Iterable[Table]) -> None:
    """Keep everybody from rewriting or emptying these tables until the transaction ends.

    TRUNCATE and the ALTER TABLE that rewrite do not respect snapshots: without this, the dump and the fingerprint
    could see different rows in one snapshot.
    """
    from psycopg.sql import SQL, Identifier

    names = [Identifier(table.schema, table.name) for table in locked]
    for first in range(0, len(names), 200):
        some = SQL(", ").join(SQL("ONLY {}").format(name) for name in names[first : first + 200])
        connection.execute(SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(some))


def rows_of(connection: Connection, table: Table, progress: Progress) -> Rows:
    """Count and hash one table."""
    return _as_rows(patiently(connection, _rows_query(table), progress))


def large_objects(connection: Connection, progress: Progress) -> Rows:
    """Count and hash all large objects; their holes count as the zeros that they are read as."""
    from psycopg.sql import SQL, Literal

    query = SQL(_LARGE_OBJECTS).format(slice=Literal(LARGE_OBJECT_SLICE), one=Literal(SEEDS[0]), two=Literal(SEEDS[1]))
    return _as_rows(patiently(connection, query, progress))


def sequences(connection: Connection) -> Mapping[str, Sequence]:
    """Where every sequence stands now; sequences live outside of snapshots."""
    return {name: Sequence(last, step, cycle) for name, last, step, cycle in connection.execute(_SEQUENCES)}


def patiently(connection: Connection, query: Composed, progress: Progress) -> tuple[Any, ...] | None:
    """A query that may take hours, given up as soon as somebody asks for the work to stop."""
    progress.check()
    with ThreadPoolExecutor(1) as waiting:
        answer = waiting.submit(lambda: connection.execute(query).fetchone())
        try:
            while True:
                try:
                    return answer.result(CHECK_EVERY_S)
                except NotYet:
                    if answer.done():
                        raise
                    progress.check()
        finally:
            if not answer.done():
                connection.cancel_safe()


def _rows_query(table: Table) -> Composed:
    from psycopg.sql import SQL, Identifier, Literal

    values = [SQL("t.{}").format(Identifier(name)) for name in table.identical]
    if table.as_text:
        rest = SQL(", ").join(SQL("t.{}").format(Identifier(name)) for name in table.as_text)
        values.append(SQL("ROW({})::text").format(rest))
    row = SQL("ROW({})").format(SQL(", ").join(values))
    one, two = (
        SQL("coalesce(sum(hash_record_extended({}, {})::numeric), 0)::text").format(row, Literal(seed))
        for seed in SEEDS
    )
    return SQL("SELECT count(*), {}, {} FROM ONLY {} AS t").format(one, two, Identifier(table.schema, table.name))


def _as_rows(answer: tuple[Any, ...] | None) -> Rows:
    count, one, two = answer or (0, "0", "0")
    return Rows(count, (one, two))
