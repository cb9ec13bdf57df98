"""Connections to the two databases, set up so that they promise the same."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from .address import Address, PostgresqlAddress, SqliteAddress

WAIT_S = 30
"""How long a write waits for somebody else's."""


def connect(address: Address) -> Engine:
    """An engine on the catalog; nothing is opened yet. Use it through `reader` and `writer`."""
    return _sqlite(address) if isinstance(address, SqliteAddress) else _postgresql(address)


def reader(engine: Engine) -> Engine:
    """All that one transaction reads is the state of one moment."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ")


def writer(engine: Engine) -> Engine:
    """A transaction waits for its turn at its beginning; a write never fails half way because somebody else wrote."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(backstay_writes=True)
    return engine.execution_options(isolation_level="READ COMMITTED")


def _sqlite(address: SqliteAddress) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=address.path),
        connect_args={"timeout": WAIT_S},
        # Parameters are records; they do not belong in error messages.
        hide_parameters=True,
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Python's driver begins transactions at moments of its own; we begin them ourselves, in `_begin_sqlite`.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    # FULL syncs the log at each commit, so that a power cut loses no record either; NORMAL would lose the last ones.
    # It costs 0.1 to 0.4 ms a commit (500 commits each way, side by side, SSD); a run commits a few dozen times.
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the write lock at once. A transaction that reads first and writes later could not wait for it:
    # SQLite refuses it without a delay when somebody else wrote meanwhile.
    writes = connection.get_execution_options().get("backstay_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(address: PostgresqlAddress) -> Engine:
    import psycopg

    parameters = {"connect_timeout": "10", "application_name": "backstay", **address.parameters}

    def open_one() -> psycopg.Connection[Any]:
        # libpq is given its own words: it knows several hosts, services and certificates, unlike a URL of SQLAlchemy's.
        connection = psycopg.connect(**parameters, autocommit=True)  # type: ignore[arg-type]  # names come from libpq
        connection.execute(f"SET lock_timeout = '{WAIT_S}s'")
        connection.autocommit = False
        return connection

    # pool_pre_ping: a daemon outlives restarts of the database server.
    return create_engine("postgresql+psycopg://", creator=open_one, pool_pre_ping=True, hide_parameters=True)
