"""What every engine promises, as functions that try it on a repository of their own.

Each raises BrokenPromise if the promise named by the function is not kept, or lets an engine's unexpected error rise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeVar

from backstay.domain.errors import BackstayError, Cancelled, EngineFailed, Refused, SourceFailed, Unavailable

from .engine import (
    BackupReport,
    BackupRequest,
    Engine,
    ForgetRequest,
    Paths,
    Repository,
    RestoreRequest,
    Stream,
    VerifyRequest,
)
from .progress import Silent
from .promises import BrokenPromise

_Error = TypeVar("_Error", bound=BackstayError)
_QUICK_S = 10.0
_CHUNK = bytes(range(256)) * 256
_DEPTHS: tuple[Literal["pieces", "structure", "everything"], ...] = ("pieces", "structure", "everything")


class EngineHarness(Protocol):
    """An engine with an empty repository made for one check, and hands to try it with."""

    @property
    def engine(self) -> Engine: ...

    @property
    def repository(self) -> Repository: ...

    def now(self) -> datetime: ...

    def elapsed(self) -> float:
        """Seconds from a fixed start."""

    def source(self) -> Paths:
        """A folder with files of every sort by absolute path, and a seal by a relative one."""

    def partly_unreadable(self) -> tuple[Paths, str]:
        """A source with one file that nobody can read, and that file's path."""

    def folder(self) -> str:
        """A new empty folder."""

    def occupied_folder(self) -> str:
        """A folder with somebody's file in it."""

    def differences(self, source: Paths, folder: str) -> Sequence[str]:
        """How the restored folder differs from the source: content, modes, times, links; the seal aside."""

    def holds_seal(self, folder: str) -> bool: ...

    def content(self, folder: str, name: str) -> bytes: ...

    def damage(self, piece: str, how: Literal["flip", "cut", "remove"]) -> None:
        """Change one byte of a stored piece, shorten it, or take it away."""

    def with_password(self, password: str) -> Repository:
        """The same repository, opened with another password."""

    def gone(self) -> Repository:
        """A repository whose place is not there."""

    def command_lines(self) -> str:
        """The arguments of every process on this machine at this moment."""


EngineCheck = Callable[[EngineHarness], None]


def sentence(check: EngineCheck) -> str:
    """The promise in words."""
    return check.__name__.replace("_", " ")


def what_backup_returns_is_listed(harness: EngineHarness) -> None:
    request = _request(harness, harness.source())
    report = harness.engine.backup(request, Silent())
    points = harness.engine.restore_points(harness.repository, Silent())
    found = [point for point in points if report.snapshot in point.snapshots]
    _keep(len(points) == 1 and len(found) == 1, f"{report.snapshot} was returned, {len(found)} of it are listed")
    marks = (found[0].run_id, found[0].workload, found[0].nonce)
    _keep(marks == (request.run_id, request.workload, request.nonce), f"the marks came back as {marks}")
    _keep(found[0].at == request.as_of, f"as_of came back as {found[0].at}")
    _keep(report.files > 0 and report.bytes_read > 0 and not report.unreadable, f"the report says {report}")


def the_same_run_twice_can_be_brought_back_to_one_point(harness: EngineHarness) -> None:
    request = _request(harness, harness.source())
    again = replace(request, as_of=request.as_of + timedelta(seconds=1))
    first, second = (harness.engine.backup(each, Silent()).snapshot for each in (request, again))
    found = _snapshots_of(harness, request.run_id)
    _keep(found == [second, first], f"the run's mark finds {found}")
    harness.engine.forget(ForgetRequest(harness.repository, (second,)), Silent())
    _keep(_snapshots_of(harness, request.run_id) == [first], "the second point of the run stayed")


def points_are_listed_newest_first(harness: EngineHarness) -> None:
    request, made = _request(harness, harness.source()), dict[int, str]()
    for number in (2, 1, 3):
        later = replace(request, as_of=request.as_of + timedelta(hours=number))
        made[number] = harness.engine.backup(later, Silent()).snapshot
    listed = [point.snapshots[0] for point in harness.engine.restore_points(harness.repository, Silent())]
    _keep(listed == [made[3], made[2], made[1]], f"listed {listed}, made {made}")


def a_stopped_backup_leaves_nothing_that_looks_whole(harness: EngineHarness) -> None:
    endless = Stream("endless.bin", lambda: iter(lambda: _CHUNK, b""))
    _expect(Cancelled, lambda: harness.engine.backup(_request(harness, endless), _StopsSoon(harness)))
    _keep_empty(harness)


def a_stopped_backup_can_be_tried_again(harness: EngineHarness) -> None:
    endless = Stream("endless.bin", lambda: iter(lambda: _CHUNK, b""))
    _expect(Cancelled, lambda: harness.engine.backup(_request(harness, endless), _StopsSoon(harness)))
    harness.engine.release(harness.repository, Silent())
    report = _backup(harness, harness.source(), "run-a")
    _keep(_snapshots_of(harness, "run-a") == [report.snapshot], "the second try is not listed")
    _keep_sound(harness)


def a_producer_that_fails_leaves_no_snapshot(harness: EngineHarness) -> None:
    def fails_at_its_end() -> Iterator[bytes]:
        yield _CHUNK
        raise SourceFailed("the producer failed")

    stream = Stream("dump.sql", fails_at_its_end)
    _expect(SourceFailed, lambda: harness.engine.backup(_request(harness, stream), Silent()))
    _keep_empty(harness)


def restored_bytes_are_the_bytes(harness: EngineHarness) -> None:
    source = harness.source()
    report = _backup(harness, source, "run-a")
    folder = harness.folder()
    restored = harness.engine.restore(RestoreRequest(harness.repository, report.snapshot, folder), Silent())
    differences = harness.differences(source, folder)
    _keep(not differences, f"restored otherwise: {'; '.join(differences)}")
    _keep(not restored.complaints, f"a good restore complains: {restored.complaints}")
    _keep(restored.files > 0 and restored.bytes > 0, f"the report says {restored}")


def a_stream_comes_back_as_a_file(harness: EngineHarness) -> None:
    report = _backup(harness, Stream("dump.sql", lambda: [_CHUNK, b"end\n"]), "run-a")
    folder = harness.folder()
    harness.engine.restore(RestoreRequest(harness.repository, report.snapshot, folder), Silent())
    _keep(harness.content(folder, "dump.sql") == _CHUNK + b"end\n", "the stream came back changed")


def the_seal_comes_only_when_asked_for(harness: EngineHarness) -> None:
    report = _backup(harness, harness.source(), "run-a")
    for wanted in (True, False):
        folder = harness.folder()
        request = RestoreRequest(harness.repository, report.snapshot, folder, with_seal=wanted)
        harness.engine.restore(request, Silent())
        _keep(harness.holds_seal(folder) is wanted, f"asked {wanted} for the seal, got the opposite")


def restore_into_a_full_folder_is_refused(harness: EngineHarness) -> None:
    report = _backup(harness, harness.source(), "run-a")
    request = RestoreRequest(harness.repository, report.snapshot, harness.occupied_folder())
    _expect(Refused, lambda: harness.engine.restore(request, Silent()))


def forget_removes_what_was_asked_and_nothing_that_others_need(harness: EngineHarness) -> None:
    source = harness.source()
    doomed, kept = (_backup(harness, source, run_id).snapshot for run_id in ("run-a", "run-b"))
    report = harness.engine.forget(ForgetRequest(harness.repository, (doomed,)), Silent())
    _keep(report.gone == (doomed,), f"asked to forget {doomed}, gone are {report.gone}")
    _keep(not _snapshots_of(harness, "run-a"), "what was forgotten is still listed")
    folder = harness.folder()
    harness.engine.restore(RestoreRequest(harness.repository, kept, folder), Silent())
    _keep(not harness.differences(source, folder), "the other point is not whole any more")


def a_sound_repository_raises_no_alarm(harness: EngineHarness) -> None:
    _backup(harness, harness.source(), "run-a")
    _keep_sound(harness)


def a_flipped_byte_is_noticed(harness: EngineHarness) -> None:
    _noticed(harness, "flip", ("pieces", "everything"))


def a_missing_piece_is_noticed_quickly(harness: EngineHarness) -> None:
    _noticed(harness, "remove", ("pieces",))


def a_cut_piece_is_noticed_quickly(harness: EngineHarness) -> None:
    _noticed(harness, "cut", ("pieces",))


def a_wrong_key_is_the_operators_to_mend(harness: EngineHarness) -> None:
    stranger = harness.with_password("not the right one")
    _expect(EngineFailed, lambda: harness.engine.restore_points(stranger, Silent()))
    _expect(EngineFailed, lambda: harness.engine.backup(_request(harness, harness.source(), stranger), Silent()))
    _keep_empty(harness)


def a_place_that_is_gone_is_unavailable(harness: EngineHarness) -> None:
    gone = harness.gone()
    _expect(Unavailable, lambda: harness.engine.restore_points(gone, Silent()))
    _expect(Unavailable, lambda: harness.engine.backup(_request(harness, harness.source(), gone), Silent()))


def making_a_repository_twice_changes_nothing(harness: EngineHarness) -> None:
    report = _backup(harness, harness.source(), "run-a")
    before = harness.engine.inventory(harness.repository, harness.now()).pieces
    harness.engine.create(harness.repository, Silent())
    after = harness.engine.inventory(harness.repository, harness.now()).pieces
    _keep(before == after and _snapshots_of(harness, "run-a") == [report.snapshot], "the repository changed")


def no_secret_is_in_arguments_notes_or_errors(harness: EngineHarness) -> None:
    secret, seen, notes = harness.repository.password.reveal(), list[str](), _Notes()

    def looks_around() -> Iterator[bytes]:
        yield _CHUNK
        seen.append(harness.command_lines())

    harness.engine.backup(_request(harness, Stream("dump.sql", looks_around)), notes)
    missing = RestoreRequest(harness.repository, "0" * 64, harness.folder())
    error = _expect(BackstayError, lambda: harness.engine.restore(missing, notes))
    shown = "\n".join((*seen, *notes.texts, error.message, repr(error.details()), repr(harness.repository)))
    _keep(bool(seen) and secret not in shown, "the repository's password was shown")


def what_could_not_be_read_is_reported(harness: EngineHarness) -> None:
    source, path = harness.partly_unreadable()
    report = _backup(harness, source, "run-a")
    _keep(len(report.unreadable) == 1 and path in report.unreadable[0], f"{path} was reported as {report.unreadable}")
    _keep(_snapshots_of(harness, "run-a") == [report.snapshot], "what could be read was not kept")


ENGINE_CHECKS: tuple[EngineCheck, ...] = (
    what_backup_returns_is_listed,
    the_same_run_twice_can_be_brought_back_to_one_point,
    points_are_listed_newest_first,
    a_stopped_backup_leaves_nothing_that_looks_whole,
    a_stopped_backup_can_be_tried_again,
    a_producer_that_fails_leaves_no_snapshot,
    restored_bytes_are_the_bytes,
    a_stream_comes_back_as_a_file,
    the_seal_comes_only_when_asked_for,
    restore_into_a_full_folder_is_refused,
    forget_removes_what_was_asked_and_nothing_that_others_need,
    a_sound_repository_raises_no_alarm,
    a_flipped_byte_is_noticed,
    a_missing_piece_is_noticed_quickly,
    a_cut_piece_is_noticed_quickly,
    a_wrong_key_is_the_operators_to_mend,
    a_place_that_is_gone_is_unavailable,
    making_a_repository_twice_changes_nothing,
    no_secret_is_in_arguments_notes_or_errors,
    what_could_not_be_read_is_reported,
)


class _StopsSoon(Silent):
    """Lets work begin, and asks it to stop a second later."""

    def __init__(self, harness: EngineHarness) -> None:
        self._harness = harness
        self._began = harness.elapsed()

    def check(self) -> None:
        if self._harness.elapsed() - self._began > 1.0:
            raise Cancelled("stopped on purpose")


class _Notes(Silent):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str, level: Literal["info", "warning", "error"] = "info") -> None:
        self.texts.append(text)


def _request(harness: EngineHarness, source: Paths | Stream, repository: Repository | None = None) -> BackupRequest:
    as_of = harness.now().replace(microsecond=0)
    return BackupRequest(repository or harness.repository, "run-0", "promises", "nonce-0", source, as_of)


def _backup(harness: EngineHarness, source: Paths | Stream, run_id: str) -> BackupReport:
    return harness.engine.backup(replace(_request(harness, source), run_id=run_id), Silent())


def _snapshots_of(harness: EngineHarness, run_id: str) -> list[str]:
    points = harness.engine.restore_points(harness.repository, Silent())
    return [point.snapshots[0] for point in points if point.run_id == run_id]


def _noticed(
    harness: EngineHarness,
    how: Literal["flip", "cut", "remove"],
    depths: Sequence[Literal["pieces", "structure", "everything"]],
) -> None:
    _backup(harness, harness.source(), "run-a")
    expected = harness.engine.inventory(harness.repository, harness.now())
    piece = max(expected.pieces, key=lambda name: expected.pieces[name])
    harness.damage(piece, how)
    for depth in depths:
        began = harness.elapsed()
        report = harness.engine.verify(VerifyRequest(harness.repository, depth, expected), Silent())
        named = any(piece.rpartition("/")[2] in problem for problem in report.problems)
        _keep(named, f"{depth}: {piece} was damaged ({how}), found was {report.problems}")
        _keep(harness.elapsed() - began < _QUICK_S, f"{depth}: that took more than {_QUICK_S:.0f} s")


def _keep_sound(harness: EngineHarness) -> None:
    expected = harness.engine.inventory(harness.repository, harness.now())
    for depth in _DEPTHS:
        report = harness.engine.verify(VerifyRequest(harness.repository, depth, expected), Silent())
        _keep(not report.problems and report.checked > 0, f"{depth}: false alarm: {report.problems}")


def _keep_empty(harness: EngineHarness) -> None:
    points = harness.engine.restore_points(harness.repository, Silent())
    _keep(not points, f"there is something that looks whole: {points}")


def _expect(wanted: type[_Error], work: Callable[[], object]) -> _Error:
    try:
        outcome = work()
    except wanted as error:
        return error
    raise BrokenPromise(f"{wanted.__name__} was due, but there came {outcome}")


def _keep(promise: bool, otherwise: str) -> None:
    if not promise:
        raise BrokenPromise(otherwise)
