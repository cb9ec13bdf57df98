"""A copy of a database in use, exact as of one moment, with what it held at that moment."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from backstay.domain.errors import SourceFailed, Unavailable
from backstay.ports.clock import Clock
from backstay.ports.progress import Progress

from .database import BESIDE, connect, connect_still, failed, is_busy, lacks_extension, needs_writing, quick_check
from .record import Record, foreign_key_violations, read

LOCK_WAIT_S = 15.0
"""How long we wait for a program that has locked the database."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Staged:
    """`file` holds what `record` says the source held at `as_of`. `remarks` tell what could not be checked."""

    file: str
    as_of: datetime
    record: Record
    violations: int | None
    unchecked: str | None


def stage(path: str, place: str, clock: Clock, progress: Progress, wait_s: float = LOCK_WAIT_S) -> Staged:
    """Copy the database at `path` into the folder `place`, under its own name, and check the copy.

    Programs go on writing meanwhile if the database has a write-ahead log; without one they wait for us.

    Raises: Unavailable if it stays locked for `wait_s`; SourceFailed if it cannot be read or is damaged.
    """
    file = os.path.join(place, os.path.basename(path))
    try:
        as_of, record = _copied(path, "mode=ro", file, clock, progress, wait_s)
    except sqlite3.Error as error:
        if not needs_writing(error):
            raise failed(path, error) from error
        as_of, record = _copied_aside(path, file, clock, progress)
    _dress(path, file)
    return Staged(file, as_of, record, *_checked(path, file, record, progress))


def _copied(
    path: str, options: str, file: str, clock: Clock, progress: Progress, wait_s: float
) -> tuple[datetime, Record]:
    # The short timeout is waited in SQLite itself; between two of them we can be stopped.
    with closing(connect(path, options, wait_s=min(0.5, wait_s))) as source:
        as_of = _patiently(lambda: _begin(source, clock), path, clock, progress, wait_s)
        with closing(sqlite3.connect(file, isolation_level=None)) as copy:
            copy.execute("PRAGMA synchronous=OFF")  # if the machine dies, the run is repeated and so is the copy
            progress.check()
            # All pages in one call: in smaller steps, the copy starts over with every commit of another program.
            source.backup(copy, pages=-1)
        return as_of, read(source, progress)


def _begin(source: sqlite3.Connection, clock: Clock) -> datetime:
    """Begin to read. From the first read on the connection sees one state of the database; `now` must not be later."""
    now = clock.now()
    if not source.in_transaction:
        source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return now


def _patiently(question: Callable[[], Answer], path: str, clock: Clock, progress: Progress, wait_s: float) -> Answer:
    until = clock.elapsed() + wait_s
    while True:
        progress.check()
        try:
            return question()
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            if clock.elapsed() >= until:
                raise Unavailable(
                    f"{path} is locked by another program, and stayed so for {wait_s:.0f} seconds",
                    subject=path,
                    hint="Let that program end its transaction, or switch the database to `journal_mode=WAL`.",
                ) from error


def _copied_aside(path: str, file: str, clock: Clock, progress: Progress) -> tuple[datetime, Record]:
    as_of = clock.now()
    with _set_aside(path, os.path.dirname(file)) as aside:
        try:
            return as_of, _copied(aside, "mode=rw", file, clock, progress, 0)[1]
        except sqlite3.Error as error:
            raise failed(path, error) from error


@contextmanager
def _set_aside(path: str, place: str) -> Iterator[str]:
    """The files of a database in whose folder we may not write, copied to where we may.

    Right for a snapshot or a read-only disk. If somebody writes meanwhile, the parts do not fit together: Unavailable.
    """
    aside = os.path.join(place, "aside")
    os.mkdir(aside, 0o700)
    try:
        before = _looks(path)
        for end in before:
            shutil.copyfile(path + end, os.path.join(aside, os.path.basename(path) + end))
        if _looks(path) != before:
            raise Unavailable(
                f"{path} is being written, and we may not take part in its locks",
                subject=path,
                hint="Let the account that runs Backstay write in the folder of the database, or stop its writer.",
            )
        yield os.path.join(aside, os.path.basename(path))
    except OSError as error:
        raise SourceFailed(f"{path} cannot be read: {error.strerror}", subject=path) from error
    finally:
        shutil.rmtree(aside)


def _looks(path: str) -> dict[str, tuple[int, int, int, int]]:
    found = {end: os.stat(path + end) for end in BESIDE if os.path.exists(path + end)}
    return {end: (one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for end, one in found.items()}


def _dress(path: str, file: str) -> None:
    """Mode and owner of the source, so that a restored file can take its place."""
    source = os.stat(path)
    if os.geteuid() == 0:
        os.chown(file, source.st_uid, source.st_gid)
    os.chmod(file, source.st_mode & 0o7777)


def _checked(path: str, file: str, record: Record, progress: Progress) -> tuple[int | None, str | None]:
    """Foreign key violations, and what could not be checked. A damaged source is found out here, not in a drill."""
    progress.check()
    with closing(connect_still(file)) as copy:
        unchecked = None
        try:
            complaint = quick_check(copy)
        except sqlite3.DatabaseError as error:
            complaint, unchecked = (None, str(error)) if lacks_extension(error) else (str(error), None)
        if complaint:
            raise SourceFailed(
                f"{path} is damaged: {complaint}",
                subject=path,
                hint="Nothing was copied; the points before are untouched. `PRAGMA integrity_check` tells more.",
            )
        if read(copy, progress) != record:
            raise SourceFailed(f"the copy of {path} does not hold what the source held", subject=path)
        return foreign_key_violations(copy), unchecked
