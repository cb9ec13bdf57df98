"""Reading rows as values, and writing rows in the words that both databases have but spell apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Executable, Table
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

Value = TypeVar("Value")


def all_of(db: Connection, query: Executable, value: Callable[..., Value]) -> list[Value]:
    """What the rows say, each row's columns being the parts of a value in their order."""
    return [value(*row) for row in db.execute(query).all()]


def one_of(db: Connection, query: Executable, value: Callable[..., Value]) -> Value | None:
    """What the only row says; None if there is no row."""
    row = db.execute(query).one_or_none()
    return None if row is None else value(*row)


def add_once(db: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert the row unless its primary key is there; whether it was inserted."""
    statement = _insert(db, table).values(dict(row)).on_conflict_do_nothing(index_elements=_key(table))
    return db.execute(statement.returning(*table.primary_key)).one_or_none() is not None


def put(db: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert the row, or replace the one with the same primary key."""
    statement = _insert(db, table).values(dict(row))
    db.execute(statement.on_conflict_do_update(index_elements=_key(table), set_=dict(row)))


def _key(table: Table) -> list[str]:
    return [column.name for column in table.primary_key]


def _insert(db: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    if db.dialect.name == "sqlite":
        return sqlite.insert(table)
    # Imported here because a SQLite catalog need not pay for it.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
