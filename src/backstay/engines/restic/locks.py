"""Locks of a repository: taken away only when their owner is proven dead."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

from backstay.domain.errors import Unavailable
from backstay.ports.engine import Repository
from backstay.ports.runner import Command

from . import argv, output, pieces


def clear(repository: Repository, ask: Callable[[Command], str]) -> None:
    """Unavailable if a lock's owner may live. `ask` runs a command and returns what it printed.

    restic itself removes locks of dead processes of this host, and of any host when not refreshed for half an hour.
    """
    ask(argv.unlock(repository, "stale"))
    left = pieces.names(repository.store, "locks")
    held = [output.lock(ask(argv.show_lock(repository, name))) for name in left]
    living = [str(lock) for lock in held if not (lock.host in repository.idle or _owner_is_dead(lock))]
    if living:
        hint = "Wait for its owner, or end it; if that machine is gone for good, run `restic unlock`."
        message = f"the repository {repository.target}/{repository.name} is locked by {', '.join(living)}"
        raise Unavailable(message, subject=f"{repository.target}/{repository.name}", hint=hint)
    if held:
        ask(argv.unlock(repository, "all"))


def _owner_is_dead(lock: output.Lock) -> bool:
    """True only for an owner on this host that does not run any more; a zombie does not.

    restic 0.14 asks by signal 0, which a zombie answers, and where the first process reaps nobody, zombies stay.
    """
    if lock.host != platform.node():
        return False
    try:
        stat = Path(f"/proc/{lock.pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in ("Z", "X")
