"""What a database holds, as far as counting and reading its schema tells."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import zstandard
from blake3 import blake3

from backstay.ports.progress import Progress

from .database import lacks_extension

_MARKS = ("user_version", "application_id", "page_size", "encoding")


@dataclass(frozen=True, slots=True)
class Record:
    """`objects` maps "index orders_by_customer" to the hash of its definition, `rows` tables to their counts."""

    objects: dict[str, str]
    rows: dict[str, int]
    marks: dict[str, Any]

    @property
    def total(self) -> int:
        return sum(self.rows.values())

    def packed(self) -> bytes:
        return zstandard.compress(json.dumps([self.objects, self.rows, self.marks], sort_keys=True).encode())

    @staticmethod
    def unpacked(body: bytes) -> Record:
        return Record(*json.loads(zstandard.decompress(body)))


def read(connection: sqlite3.Connection, progress: Progress) -> Record:
    """All of it, in the transaction that `connection` is in."""
    objects, rows = {}, {}
    for kind, name, page, definition in connection.execute("SELECT type, name, rootpage, sql FROM sqlite_master"):
        objects[f"{kind} {name}"] = blake3((definition or "").encode()).hexdigest(16)
        if kind == "table" and page:  # a virtual table has no page of its own; the tables behind it are counted
            progress.check()
            rows[name] = _count(connection, name)
    marks = {mark: connection.execute(f"PRAGMA {mark}").fetchone()[0] for mark in _MARKS}
    return Record(objects, rows, marks)


def differences(was: Record, now: Record) -> Iterator[str]:
    """How the structure is not as recorded, each as a sentence that names the part."""
    for name in was.objects.keys() - now.objects.keys():
        yield f"{name} is missing"
    for name in now.objects.keys() - was.objects.keys():
        yield f"{name} was not there"
    for name in was.objects.keys() & now.objects.keys():
        if was.objects[name] != now.objects[name]:
            yield f"{name} is defined in another way"
    for mark, value in was.marks.items():
        if now.marks[mark] != value:
            yield f"{mark} is {now.marks[mark]}; it was {value}"


def missing_rows(was: Record, now: Record) -> Iterator[str]:
    """Tables that do not have the rows they had."""
    for table, count in was.rows.items():
        if now.rows.get(table, 0) != count:
            yield f"{table} has {now.rows.get(table, 0):,} rows; {count:,} were there"


def foreign_key_violations(connection: sqlite3.Connection) -> int | None:
    """SQLite enforces foreign keys only where a program asks it to, so a sound source may have some.

    None if it cannot be told, because a constraint refers to something that cannot be referred to.
    """
    try:
        return sum(1 for _ in connection.execute("PRAGMA foreign_key_check"))
    except sqlite3.OperationalError:
        return None


def _count(connection: sqlite3.Connection, table: str) -> int:
    quoted = '"' + table.replace('"', '""') + '"'
    try:
        return int(connection.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0])  # noqa: S608 - quoted above
    except sqlite3.OperationalError as error:
        if not lacks_extension(error):
            raise
        # An index by a collation or function that only its owner's program has; the table itself can be counted.
        return int(connection.execute(f"SELECT count(*) FROM {quoted} NOT INDEXED").fetchone()[0])  # noqa: S608 - quoted above
