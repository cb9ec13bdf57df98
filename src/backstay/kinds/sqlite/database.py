"""Opening a database file for reading, whatever its name, and saying what is wrong when that fails."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from urllib.parse import quote

from blake3 import blake3

from backstay.domain.errors import BackstayError, MachineLacks, SourceFailed
from backstay.ports.progress import Progress

BESIDE = ("", "-wal", "-journal")
"""What a database consists of while programs use it; the shared memory file is made anew."""


def connect(path: str, options: str, wait_s: float = 0) -> sqlite3.Connection:
    """A connection that begins no transaction by itself. Quoted: `?`, `#` and `%` in a name are just letters."""
    address = f"file:{quote(os.fsencode(os.path.abspath(path)))}?{options}"
    return sqlite3.connect(address, uri=True, isolation_level=None, timeout=wait_s)


def connect_still(path: str) -> sqlite3.Connection:
    """A connection to a file that nobody else uses: takes no locks and leaves nothing beside it."""
    return connect(path, "mode=ro&immutable=1")


def is_busy(error: sqlite3.Error) -> bool:
    return _name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"))


def needs_writing(error: sqlite3.Error) -> bool:
    """Whether SQLite could not read because it would have had to write beside the file (or to roll back) first."""
    return _name(error).startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY"))


def lacks_extension(error: sqlite3.Error) -> bool:
    """Whether the schema names a collation, function or module that the program of its owner brings along."""
    return _name(error).startswith("SQLITE_ERROR") and "no such" in str(error)


def failed(path: str, error: sqlite3.Error) -> BackstayError:
    """What to tell the operator about a source that cannot be read, or has no room for its copy here."""
    name = os.path.basename(path)
    if _name(error).startswith("SQLITE_FULL"):
        hint = "It needs as much as the database: make room on the disk of the state folder, or move that with --state."
        return MachineLacks(f"no space left for the copy of {path}", subject=path, hint=hint)
    if _name(error).startswith("SQLITE_NOTADB"):
        return SourceFailed(
            f"{path} is not a SQLite database",
            subject=path,
            hint="It is another kind of file, encrypted, or written by a newer version in a format unknown here.",
        )
    return SourceFailed(f"{path} cannot be read: {error}", subject=path, hint=f"Try `sqlite3 {name} .schema` on it.")


def quick_check(connection: sqlite3.Connection, pragma: str = "quick_check") -> str | None:
    """The first complaints of SQLite's own check, None if there are none. Raises sqlite3.Error if it cannot check."""
    said = [str(row[0]) for row in connection.execute(f"PRAGMA {pragma}(3)")]
    return None if said == ["ok"] else "; ".join(said)


def digest_of(path: str, progress: Progress) -> str:
    """BLAKE3 of the file's bytes."""
    digest = blake3()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            progress.check()
            digest.update(chunk)
    return digest.hexdigest()


def judged(path: str, question: Callable[[sqlite3.Connection], str | None]) -> str | None:
    """What `question` finds wrong with a file that lies still, or what SQLite says when it cannot even look."""
    try:
        with closing(connect_still(path)) as connection:
            return question(connection)
    except sqlite3.DatabaseError as error:
        return f"{os.path.basename(path)} cannot be read: {error}"


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "") or ""
