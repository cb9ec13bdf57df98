"""Brings a catalog's tables to the version that this program knows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from backstay.domain.errors import CatalogError

from .address import Address, SqliteAddress
from .connection import WAIT_S, writer
from .failures import SQLITE_HINTS, said_clearly, unusable

HEAD = "0002"
"""The newest migration's number. Numbers have four digits, so that a later one is also the greater text."""

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_KEY = 0x6261636B73746179
"""Names the migration's advisory lock on PostgreSQL: "backstay" in ASCII."""


def prepare(engine: Engine, address: Address) -> None:
    """Make the tables or bring them up to date; costs one query when there is nothing to do.

    Raises: CatalogError if a newer program has changed them already.
    """
    if isinstance(address, SqliteAddress):
        _make_private(address)
    with said_clearly(address):
        if not _is_ready(engine, address):
            with _alone(address):
                _migrate(engine, address)


def version(db: Connection) -> str | None:
    """The number of the last migration that ran here; None before the first."""
    if not inspect(db).has_table("schema_version"):
        return None
    found: str | None = db.scalar(text("SELECT version_num FROM schema_version"))
    return found


def _is_ready(engine: Engine, address: Address) -> bool:
    with engine.connect() as db:
        found = version(db)
        log_mode = db.scalar(text("PRAGMA journal_mode")) if db.dialect.name == "sqlite" else None
    if found is not None and found > HEAD:
        raise CatalogError(
            f"the catalog {address.shown} has schema {found}, and this program knows {HEAD} at most",
            subject=address.shown,
            hint="A newer version of backstay has been here. Install that version, or a later one.",
        )
    return found == HEAD and log_mode in (None, "wal")


def _migrate(engine: Engine, address: Address) -> None:
    if isinstance(address, SqliteAddress):
        _log_ahead(engine)
    with writer(engine).begin() as db:
        if not isinstance(address, SqliteAddress):
            db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        if version(db) != HEAD:
            upgrade(db)


def upgrade(db: Connection) -> None:
    """Run the migrations that are missing, in the transaction at hand: all of them or none."""
    # Imported here because alembic takes longer to load than all other work of opening a catalog.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = db
    command.upgrade(config, "head")


def _log_ahead(engine: Engine) -> None:
    # With a write-ahead log readers never wait for a writer. The file remembers it; a transaction cannot change it.
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def _make_private(address: SqliteAddress) -> None:
    # SQLite gives its -wal and -shm files the mode of the main file, so that this one mode decides.
    try:
        with suppress(FileExistsError):
            os.close(os.open(address.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        if os.stat(address.path).st_mode & 0o077:
            os.chmod(address.path, 0o600)
    except OSError as error:
        raise unusable(address, f"{error.strerror}".lower(), SQLITE_HINTS["SQLITE_CANTOPEN"]) from error


@contextmanager
def _alone(address: Address) -> Iterator[None]:
    if not isinstance(address, SqliteAddress):
        yield  # the advisory lock is taken inside the migration's own transaction
        return
    from filelock import FileLock, Timeout

    try:
        with FileLock(f"{address.path}.lock", timeout=WAIT_S, mode=0o600):
            yield
    except Timeout as error:
        raise unusable(address, "another process is preparing it", SQLITE_HINTS["SQLITE_BUSY"]) from error
    except OSError as error:
        raise unusable(address, f"{error.strerror}".lower(), SQLITE_HINTS["SQLITE_CANTOPEN"]) from error
