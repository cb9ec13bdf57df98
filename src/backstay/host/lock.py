"""An exclusive hold on an estate for as long as a process lives."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .owner import Owner
from .state import state_error


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds the lock, since when, and how it was started."""

    pid: int
    since: datetime
    command: str


class ExecutorLock:
    """Held by one process at most; the kernel lets go of it when that process ends, however it ends.

    Shape: `path` lies on a local disk; who holds it is written beside it.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._holder = Path(f"{path}.holder")
        self._handle: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if nobody has it; True as well if we hold it already."""
        if self._handle is not None:
            return True
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise state_error(error, str(self._path)) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._handle = handle
        self._sign()
        return True

    def holder(self) -> Holder | None:
        """Who holds it, or None if nobody does or the holder has not yet signed."""
        try:
            signed = json.loads(self._holder.read_text())
            since = datetime.fromtimestamp(self._holder.stat().st_mtime, UTC)
        except (FileNotFoundError, ValueError):  # a power failure may leave it empty
            return None
        alive = Owner(signed["pid"], signed["started"]).alive()
        return Holder(signed["pid"], since, signed["command"]) if alive else None

    def release(self) -> None:
        """Let go; does nothing if we do not hold it."""
        if self._handle is None:
            return
        self._holder.unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = None

    def _sign(self) -> None:
        me = Owner.me()
        draft = Path(f"{self._holder}.{me.pid}")
        try:
            draft.write_text(json.dumps({"pid": me.pid, "started": me.started, "command": shlex.join(sys.argv)}))
            # Renamed into its place: whoever reads it reads all of it.
            draft.rename(self._holder)
        except OSError as error:
            self.release()
            raise state_error(error, str(self._holder)) from error
