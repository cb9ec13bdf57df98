"""Waiting for what must happen soon."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def until(happens: Callable[[], bool], seconds: float = 20.0) -> None:
    """Return as soon as it happens; fail if it does not happen in time."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def running(pid: int) -> bool:
    """Whether this process runs; one that ended and was not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def number_in(path: Path) -> int:
    """The number that a program writes into a file, as soon as it has."""
    until(lambda: path.exists() and path.read_text().strip().isdecimal())
    return int(path.read_text())
