"""restic, run: the version it has, and the errors that its failures mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from backstay.domain.errors import EngineFailed
from backstay.ports.engine import Repository
from backstay.ports.progress import Progress, Silent
from backstay.ports.runner import Command, Finished, Runner

from . import argv, failures, locks, output


class Console:
    """Where commands are typed. Opening a repository costs restic half a second, so they are few."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._version: tuple[int, ...] | None = None

    def version(self) -> tuple[int, ...]:
        """Asked once per process and remembered."""
        if self._version is None:
            self._version = output.version(self._runner.run(argv.version(), Silent()).out)
        if self._version is None:
            raise EngineFailed("`restic version` did not name a version", hint="Look which program `restic` is.")
        return self._version

    def once(
        self,
        command: Command,
        progress: Progress,
        on_line: Callable[[str], None] | None = None,
        feed: Iterable[bytes] | None = None,
    ) -> Finished:
        """However it ends."""
        return self._runner.run(command, progress, on_line=on_line, feed=feed)

    def past_dead_locks(self, command: Command, repository: Repository, progress: Progress) -> Finished:
        """However it ends; but a lock in the way is looked at once, and Unavailable if its owner may live."""
        finished = self.once(command, progress)
        if failures.locked(finished):
            self.clear_locks(repository, progress)
            finished = self.once(command, progress)
        return finished

    def ask(self, command: Command, repository: Repository, progress: Progress) -> Finished:
        """Ended with status 0, or the error that the failure means."""
        return _good(self.past_dead_locks(command, repository, progress), command, repository)

    def clear_locks(self, repository: Repository, progress: Progress) -> None:
        """Take away the locks of dead owners; Unavailable if one may live."""
        locks.clear(repository, lambda command: _good(self.once(command, progress), command, repository).out)


def _good(finished: Finished, command: Command, repository: Repository) -> Finished:
    if finished.status != 0:
        raise failures.failure(finished, command, repository)
    return finished
