"""restic behind the door that all engines share; the store is believed rather than an exit status."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime

from backstay.domain.errors import RepositoryDamaged
from backstay.domain.findings import Finding
from backstay.domain.points import Inventory
from backstay.domain.secrets import SecretRef
from backstay.ports.engine import (
    BackupReport,
    BackupRequest,
    ForgetReport,
    ForgetRequest,
    Repository,
    RestoreReport,
    RestoreRequest,
    StoredPoint,
    VerifyReport,
    VerifyRequest,
)
from backstay.ports.progress import Progress, Silent
from backstay.ports.runner import Runner
from backstay.ports.store import Store, remove_halves

from . import argv, copying, failures, folders, output, pieces, runbook
from .console import Console


class ResticEngine:
    """restic 0.14 or newer, on a folder of this machine or through a gateway's door to any place."""

    def __init__(self, runner: Runner) -> None:
        self._console = Console(runner)

    @property
    def name(self) -> str:
        return "restic"

    def version(self) -> str:
        return ".".join(map(str, self._console.version()))

    def preflight(self, repository: Repository, progress: Progress) -> Sequence[Finding]:
        self._console.version()
        store = repository.store
        if not store.exists() or store.pieces("keys"):
            return ()
        message = f"{store.location} holds files but no restic key"
        hint = "Bring its missing files back, or empty the folder."
        return (Finding("repository_broken", "error", _subject(repository), message, hint),)

    def create(self, repository: Repository, progress: Progress) -> None:
        repository.store.prepare()
        if repository.door is not None:
            self._create_behind_door(repository, progress)
        elif not repository.store.pieces("keys"):
            self._create_beside(repository, progress)

    def release(self, repository: Repository, progress: Progress) -> None:
        """Also makes known the packs of a first backup that was cut off, so that they are not sent again.

        Later backups lose at most the ten minutes since restic last saved its index; rebuilding it would
        rewrite it all.
        """
        store = repository.store
        if repository.door is not None:
            remove_halves(store)
            _remove_beginning(store)
        if pieces.names(store, "locks"):
            self._console.clear_locks(repository, progress)
        if repository.door is None:
            folders.remove_unfinished_locks(store.location)
        indexed = pieces.names(store, "index") or pieces.names(store, "snapshots")
        if not indexed and pieces.names(store, "data"):
            self._console.ask(argv.rebuild_index(repository, self._console.version()), repository, progress)

    def backup(self, request: BackupRequest, progress: Progress) -> BackupReport:
        progress.phase("copy")
        before = pieces.names(request.repository.store, "snapshots")
        with ExitStack() as undo:
            undo.callback(self._undo, request, before)
            report = copying.copy(self._console, request, before, progress)
            undo.pop_all()
        return report

    def inventory(self, repository: Repository, at: datetime) -> Inventory:
        return Inventory(at, pieces.lasting(repository.store))

    def restore_points(self, repository: Repository, progress: Progress) -> Sequence[StoredPoint]:
        """restic leaves out a snapshot that it cannot read, with exit status 0; here it is RepositoryDamaged."""
        before = pieces.names(repository.store, "snapshots")
        points = output.snapshots(self._console.ask(argv.snapshots(repository), repository, progress).out)
        there_all_along = before & pieces.names(repository.store, "snapshots")
        if lost := there_all_along - {point.snapshots[0] for point in points}:
            message = f"snapshots of {_subject(repository)} cannot be read: {', '.join(sorted(lost))}"
            raise RepositoryDamaged(message, subject=_subject(repository), hint="Run `restic check` on it.")
        return points

    def restore(self, request: RestoreRequest, progress: Progress) -> RestoreReport:
        progress.phase("restore")
        folders.refuse_unless_empty(request.into)
        command = argv.restore(request)
        finished = self._console.past_dead_locks(command, request.repository, progress)
        if failures.names_full_disk(finished.err):
            raise failures.full(request.into)
        if finished.status != 0 and not output.restored_partly(finished.err):
            raise failures.failure(finished, command, request.repository)
        if failures.names_damage(finished.err):
            raise failures.failure(replace(finished, status=1), command, request.repository)
        if not request.with_seal:
            folders.remove_seal(request.into)
        files, size = folders.measure(request.into)
        return RestoreReport(files, size, output.complaints(finished.err))

    def verify(self, request: VerifyRequest, progress: Progress) -> VerifyReport:
        progress.phase("verify")
        store = request.repository.store
        if not store.exists():
            raise failures.nothing_there(request.repository)
        if request.depth in ("names", "pieces"):
            return self._pieces(request, progress)
        command = argv.check(request.repository, read_data=request.depth == "everything")
        finished = self._console.past_dead_locks(command, request.repository, progress)
        check = output.check(finished.status, finished.out, finished.err)
        if not check.clean:
            _raise_unless_damage(failures.failure(finished, command, request.repository))
        lasting = pieces.lasting(store)
        return VerifyReport(len(lasting), sum(lasting.values()), check.problems, check.remarks)

    def forget(self, request: ForgetRequest, progress: Progress) -> ForgetReport:
        """Without prune: space is reclaimed another time. What an append-only target kept is not reported gone."""
        store = request.repository.store
        listed = pieces.names(store, "snapshots")
        doomed = [name for name in request.snapshots if name in listed]
        if doomed:
            command = argv.forget(request, doomed)
            finished = self._console.past_dead_locks(command, request.repository, progress)
            if finished.status != 0 and not failures.refused(finished):
                raise failures.failure(finished, command, request.repository)
            listed = pieces.names(store, "snapshots")
        return ForgetReport(tuple(name for name in request.snapshots if name not in listed))

    def runbook(self, location: str, key: SecretRef, snapshot: str, into: str) -> tuple[str, ...]:
        return runbook.lines(location, key, snapshot, into)

    def _create_beside(self, repository: Repository, progress: Progress) -> None:
        """Made beside its place and moved in whole: an init that is cut off, or two at once, would leave
        a key that does not fit the config."""
        place = os.path.realpath(repository.store.location)
        folders.remove_half_made(place)
        making = f"{place}.{os.getpid()}-{secrets.token_hex(4)}"
        with ExitStack() as cleanup:
            cleanup.callback(shutil.rmtree, making, ignore_errors=True)
            self._console.ask(argv.init(repository, making), repository, progress)
            folders.move_in(making, place)

    def _create_behind_door(self, repository: Repository, progress: Progress) -> None:
        """Nothing can be moved in whole there; so what an init that was cut off left goes first. Whoever asks keeps two
        apart."""
        _remove_beginning(repository.store)
        if not pieces.lasting(repository.store):
            self._console.ask(argv.init(repository), repository, progress)

    def _pieces(self, request: VerifyRequest, progress: Progress) -> VerifyReport:
        """What was missed is looked at again: a prune may have come in between, or taken packs that nobody needs."""
        store, expected, read = request.repository.store, request.expected, request.depth == "pieces"
        report = pieces.verify(store, expected, progress, read=read)
        gone = pieces.gone(store, expected)
        if expected is None or not gone or not report.problems:
            return report
        unknown = self._unknown_to_index(request.repository, gone, progress)
        kept = {name: size for name, size in expected.pieces.items() if name not in unknown}
        again = pieces.verify(store, replace(expected, pieces=kept), progress, read=read)
        told = (f"packs that no index knew were pruned by hand: {len(unknown):,}",) if unknown else ()
        return replace(again, remarks=again.remarks + told)

    def _unknown_to_index(self, repository: Repository, gone: frozenset[str], progress: Progress) -> frozenset[str]:
        """Packs that an interrupted backup left are in no index, and `restic prune` takes them away without a trace.

        Every index is read, which costs restic half a second each; its own check would try missing trees for minutes.
        """
        unknown = {name for name in gone if name.startswith("data/")}
        if len(unknown) < len([name for name in gone if name.startswith(("data/", "index/"))]):
            return frozenset()  # an index is gone, too, and it may have been the one that knew them
        for index in pieces.names(repository.store, "index") if unknown else ():
            finished = self._console.once(argv.show_index(repository, index), progress)
            known = output.packs_in_index(finished.out) if finished.status == 0 else None
            unknown = {name for name in unknown if known is not None and name.rpartition("/")[2] not in known}
            if not unknown:
                break
        return frozenset(unknown)

    def _undo(self, request: BackupRequest, before: frozenset[str]) -> None:
        """restic writes the snapshot last, so there is one only if the end itself went wrong."""
        repository = request.repository
        if pieces.names(repository.store, "snapshots") - before:
            points = self.restore_points(repository, Silent())
            ours = tuple(point.snapshots[0] for point in points if point.run_id == request.run_id)
            self.forget(ForgetRequest(repository, ours, request.run_id), Silent())


def _remove_beginning(store: Store) -> None:
    """A key without a config would not fit the config that the next init makes."""
    for name in pieces.begun_only(store):
        store.remove(name)


def _subject(repository: Repository) -> str:
    return f"{repository.target}/{repository.name}"


def _raise_unless_damage(error: Exception) -> None:
    if not isinstance(error, RepositoryDamaged):
        raise error
