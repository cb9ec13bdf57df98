"""What differs between a restored database and its source without being a fault of the backup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, LiteralString

from . import rows, structure
from .comparing import extensions_differ
from .record import Record

if TYPE_CHECKING:
    from .address import Connection

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

_COLLATION_VERSION: LiteralString = """
SELECT coalesce(to_jsonb(d)->>'datcollversion', '') FROM pg_database d WHERE datname = current_database()"""


def remarks(connection: Connection, record: Record, facts: Mapping[str, Any]) -> Iterator[str]:
    """Sentences for the drill's record; `facts` are those of the source."""
    yield from extensions_differ(record.extensions, structure.extensions(connection))
    row = connection.execute(_COLLATION_VERSION).fetchone()
    here, there = row[0] if row else "", facts.get("collation_version", "")
    if here and there and here != there:
        yield f"text is sorted by collation version {here} here, {there} at the source"
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
