"""The estate file may change while runs are under way: each goes to its end by the file under which it was begun."""

from __future__ import annotations

from backstay.domain.errors import BackstayError

from .adapters import Adapters
from .backup import BackupFlow
from .records import Admitted, Copied, Ended, Prepared, Ticket


class FollowingFlow:
    """The steps of a backup, for runs begun under several estate files."""

    def __init__(self, newest: BackupFlow) -> None:
        self._newest = newest
        self._begun: dict[str, BackupFlow] = {}

    def follow(self, adapters: Adapters) -> None:
        """What begins from now on goes by another file."""
        self._newest = self._newest.under(adapters)

    def admit(self, ticket: Ticket) -> Admitted:
        return self._of(ticket.run_id).admit(ticket)

    def prepare(self, admitted: Admitted) -> Prepared:
        return self._of(admitted.run_id).prepare(admitted)

    def copy(self, prepared: Prepared) -> Copied:
        return self._of(prepared.run_id).copy(prepared)

    def finish(self, copied: Copied) -> Ended:
        ended = self._of(copied.run_id).finish(copied)
        self._begun.pop(copied.run_id, None)
        return ended

    def abandon(self, run_id: str, error: BackstayError) -> Ended:
        """End a run that nobody executes: with the point that it has already, else because of `error`."""
        return self._begun.pop(run_id, self._newest).abandon(run_id, error)

    def skip(self, run_id: str, why: str) -> None:
        """End a run that never began."""
        self._newest.skip(run_id, why)

    def _of(self, run_id: str) -> BackupFlow:
        """One that an earlier program began has no flow here yet: its file is not known any more."""
        return self._begun.setdefault(run_id, self._newest)
