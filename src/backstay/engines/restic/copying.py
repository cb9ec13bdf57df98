"""One backup: one restic process, then a look at the store itself."""

from __future__ import annotations

from backstay.domain.errors import EngineFailed
from backstay.ports.engine import BackupReport, BackupRequest, Paths, Repository, Stream
from backstay.ports.progress import Progress
from backstay.ports.runner import Command

from . import argv, failures, output, pieces
from .console import Console

_SOME_UNREADABLE = 3


def copy(console: Console, request: BackupRequest, before: frozenset[str], progress: Progress) -> BackupReport:
    """What was stored, seen among the snapshots that were not there `before`."""
    paths = request.source if isinstance(request.source, Paths) else None
    # A parent that was forgotten meanwhile would be an error; without one, restic looks for it itself.
    parent = request.parent if paths and request.parent in before else None
    summary, err = _run(console, argv.backup(request, parent), request, progress)
    unread = output.unread(err, paths.cwd if paths else "")
    for path in unread.vanished:
        progress.note(f"{path} was deleted before it was read")
    snapshot = _second_look(request.repository, summary.snapshot, before)
    return BackupReport(snapshot, summary.bytes_read, summary.bytes_added, summary.files, unread.unreadable)


def _run(console: Console, command: Command, request: BackupRequest, progress: Progress) -> tuple[output.Summary, str]:
    """What restic said at its end, and its standard error."""
    summaries: list[output.Summary] = []

    def listen(line: str) -> None:
        heard = output.backup_line(line)
        if isinstance(heard, output.Status):
            progress.moved(heard.done, heard.total)
        elif heard is not None:
            summaries.append(heard)

    feed = request.source.chunks() if isinstance(request.source, Stream) else None
    finished = console.once(command, progress, listen, feed)
    if failures.locked(finished):
        # A stream is not started a second time behind its owner's back: whoever retries finds the way free.
        console.clear_locks(request.repository, progress)
    if finished.status not in (0, _SOME_UNREADABLE) or not summaries:
        raise failures.failure(finished, command, request.repository)
    return summaries[-1], finished.err


def _second_look(repository: Repository, reported: str, before: frozenset[str]) -> str:
    """The whole name of the new snapshot, as the store has it."""
    new = pieces.names(repository.store, "snapshots") - before
    found = [name for name in new if reported and name.startswith(reported)]
    if len(found) != 1:
        subject = f"{repository.target}/{repository.name}"
        hint = f"Look whether {repository.store.location} keeps what is written to it."
        raise EngineFailed(f"restic reported snapshot {reported!r}, but {subject} lacks it", subject=subject, hint=hint)
    return found[0]
