"""What databases complain about, said so that the operator can act."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import zstandard
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from backstay.domain.errors import BackstayError, CatalogError, InvariantBroken

from .address import Address, PostgresqlAddress, SqliteAddress

DAMAGED = (
    "The backups themselves are untouched. Put this file aside together with its -wal and -shm files,"
    " and bring back an earlier copy of it."
)
DAMAGED_RECORD = "The backups themselves are untouched. Bring back an earlier copy of the catalog."
OTHER = "The backups themselves are untouched. See what the message says about this file."
# By the beginning of SQLite's own name for the failure: sqlite.org/rescode.html
SQLITE_HINTS = {
    "SQLITE_FULL": "Free space on the disk of the state folder, then try again; what was recorded is still there.",
    "SQLITE_IOERR": "Look at the disk that holds the state folder: it may be full, over its quota or failing.",
    "SQLITE_READONLY": "Make the state folder and the files in it writable for the account that runs backstay.",
    "SQLITE_PERM": "Make the state folder and the files in it writable for the account that runs backstay.",
    "SQLITE_CANTOPEN": "See that the state folder exists and is writable for the account that runs backstay.",
    "SQLITE_BUSY": "Another process kept the catalog locked for half a minute. See what it does, then try again.",
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_NOTADB": DAMAGED,
}
# By SQLSTATE, which a refused connection does not carry: postgresql.org/docs/current/errcodes-appendix.html
POSTGRESQL_HINTS = {
    "42501": "Grant this user all rights on the database of the catalog.",
    "53100": "The database server's disk is full. Free space there; what was recorded is still there.",
    "25006": "This server is read-only, perhaps a standby. Point the catalog's address at the primary.",
    "55P03": "Another process kept the catalog locked for half a minute. See what it does, then try again.",
}
UNREACHABLE = (
    "See that the database server runs and answers at this address, that this database exists,"
    " and that it accepts this user and password."
)


@contextmanager
def said_clearly(address: Address) -> Iterator[None]:
    """Turn what the database raises into errors of ours that name the catalog and never its password."""
    try:
        yield
    except IntegrityError as error:
        raise InvariantBroken(
            f"a record breaks a rule of the catalog: {_reason(error)}", subject=address.shown
        ) from error
    except SQLAlchemyError as error:
        if isinstance(error, StatementError) and isinstance(error.orig, BackstayError):
            raise error.orig from None
        raise unusable(address, _reason(error), _hint(address, error)) from error
    except zstandard.ZstdError as error:
        raise unusable(address, "a compressed record is damaged", DAMAGED_RECORD) from error


def unusable(address: Address, reason: str, hint: str) -> CatalogError:
    """The error for a catalog that cannot be read or written for this reason."""
    path = address.path if isinstance(address, SqliteAddress) else None
    return CatalogError(
        f"the catalog {address.shown} cannot be used: {reason}", subject=address.shown, hint=hint, path=path
    )


def _reason(error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(cause).split())


def _hint(address: Address, error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(address, PostgresqlAddress):
        return POSTGRESQL_HINTS.get(getattr(cause, "sqlstate", None) or "", UNREACHABLE)
    name = getattr(cause, "sqlite_errorname", "") if isinstance(cause, sqlite3.Error) else ""
    return next((hint for start, hint in SQLITE_HINTS.items() if name.startswith(start)), OTHER)
