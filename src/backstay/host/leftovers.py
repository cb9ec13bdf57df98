"""Programs that outlived the process that started them, known by marks in their environment."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Mapping
from pathlib import Path

from .owner import Owner

STATE_MARK = "BACKSTAY_STATE"
OWNER_MARK = "BACKSTAY_OWNER"
RUN_MARK = "BACKSTAY_RUN"

_ROUNDS = 5
_PATIENCE_MS = 10_000


def marks(state: str, run_id: str | None) -> dict[str, str]:
    """What every program we start carries, and hands down to those it starts."""
    run = {RUN_MARK: run_id} if run_id else {}
    return {STATE_MARK: state, OWNER_MARK: str(Owner.me()), **run}


def sweep(state: str) -> int:
    """Kill the leftovers of dead owners of this state folder, and return when they are gone."""
    total = 0
    for _ in range(_ROUNDS):  # what is killed may have started something while we looked
        killed = sum(_killed(pid, state) for pid in _pids())
        total += killed
        if not killed:
            break
    return total


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal() and int(name) != os.getpid()]


def _killed(pid: int, state: str) -> bool:
    """Through a pidfd: between the look and the signal the number cannot become somebody else's."""
    with contextlib.suppress(ProcessLookupError, FileNotFoundError, PermissionError):
        pidfd = os.pidfd_open(pid)
        try:
            return _left_over(_environment(pid), state) and _kill(pidfd)
        finally:
            os.close(pidfd)
    return False


def _environment(pid: int) -> Mapping[str, str]:
    pairs = (os.fsdecode(pair).partition("=") for pair in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
    return {name: value for name, _, value in pairs}


def _left_over(environment: Mapping[str, str], state: str) -> bool:
    owner = Owner.parse(environment.get(OWNER_MARK, ""))
    return environment.get(STATE_MARK) == state and owner is not None and not owner.alive()


def _kill(pidfd: int) -> bool:
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    waiting = select.poll()
    waiting.register(pidfd, select.POLLIN)
    return bool(waiting.poll(_PATIENCE_MS))
