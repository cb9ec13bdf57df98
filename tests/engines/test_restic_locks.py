"""Killed restics: what they leave, and who may take it away."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backstay.domain.errors import EngineFailed, Unavailable
from backstay.engines.restic import ResticEngine, locks, pieces
from backstay.ports.engine import BackupRequest, Paths, Repository, Stream, VerifyRequest
from backstay.ports.progress import Silent
from backstay.ports.runner import Command
from engines.counting_runner import CountingRunner
from engines.recorded import recorded

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_backup_whose_restic_is_killed_leaves_nothing_that_looks_whole(
    engine: ResticEngine, repository: Repository
) -> None:
    def killed() -> Iterator[bytes]:
        yield b"begun"
        _until(lambda: bool(pieces.names(repository.store, "locks")))
        _kill_children_called("restic")
        while True:
            yield b"more" * 100_000

    with pytest.raises(EngineFailed, match="killed by signal 9"):
        engine.backup(_request(repository, Stream("dump.sql", killed)), Silent())
    assert repository.store.pieces("locks")
    engine.release(repository, Silent())
    assert not repository.store.pieces("locks")
    assert not engine.restore_points(repository, Silent())


def test_packs_of_an_interrupted_first_backup_are_not_sent_again(
    engine: ResticEngine, repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "noise").write_bytes(os.urandom(60_000_000))
    with _busy_restic(repository, str(tmp_path / "noise"), "--limit-upload=20000") as child:
        _until(lambda: bool(pieces.names(repository.store, "data")))
        child.kill()
        child.wait()
    engine.release(repository, Silent())
    report = engine.backup(_request(repository, Paths("/", (str(tmp_path / "noise"),))), Silent())
    assert report.bytes_added < 50_000_000


def test_a_lock_whose_owner_lives_stays_and_is_named(engine: ResticEngine, repository: Repository) -> None:
    with _busy_restic(repository, "--stdin") as child:
        _until(lambda: bool(pieces.names(repository.store, "locks")))
        with pytest.raises(Unavailable, match=f"pid {child.pid} on .* since 2"):
            engine.release(repository, Silent())
        assert not engine.verify(VerifyRequest(repository, "structure"), Silent()).problems
        assert repository.store.pieces("locks")


def test_a_zombie_is_not_a_living_owner(engine: ResticEngine, repository: Repository) -> None:
    with _busy_restic(repository, "--stdin") as child:
        _until(lambda: bool(pieces.names(repository.store, "locks")))
        child.kill()
        _until(lambda: ") Z " in Path(f"/proc/{child.pid}/stat").read_text())
        engine.release(repository, Silent())
        assert not repository.store.pieces("locks")


def test_a_dead_owners_lock_does_not_stop_a_verify(engine: ResticEngine, repository: Repository) -> None:
    with _busy_restic(repository, "--stdin") as child:
        _until(lambda: bool(pieces.names(repository.store, "locks")))
        child.kill()
        child.wait()
    assert not engine.verify(VerifyRequest(repository, "structure"), Silent()).problems


def test_a_lock_of_another_host_stays(repository: Repository) -> None:
    place = Path(repository.store.location, "locks", "a" * 64)
    place.write_text("not read here")
    asked: list[str] = []

    def ask(command: Command) -> str:
        asked.append(command.argv[4])
        return recorded("cat_lock", 0).out

    with pytest.raises(Unavailable, match="pid 6880 on host1"):
        locks.clear(repository, ask)
    assert asked == ["unlock", "cat"]


def test_a_free_repository_is_released_without_restic(
    engine: ResticEngine, runner: CountingRunner, repository: Repository
) -> None:
    engine.release(repository, Silent())
    assert runner.commands == []


def _request(repository: Repository, source: Paths | Stream) -> BackupRequest:
    return BackupRequest(repository, "r1", "crm", "n0nce", source, NOW)


@contextmanager
def _busy_restic(repository: Repository, *source: str) -> Iterator[subprocess.Popen[bytes]]:
    """A restic of somebody else's that goes on until it is ended; a backup of standard input waits for input."""
    environment = {**os.environ, "RESTIC_PASSWORD": repository.password.reveal()}
    argv = ["restic", "--no-cache", "--repo", repository.store.location, "--quiet", "backup", *source]
    child = subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def _kill_children_called(name: str) -> None:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        words = stat.read_text().replace(")", "(").split("(")
        if words[1] == name and words[2].split()[1] == str(os.getpid()):
            os.kill(int(words[0]), 9)


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to that within 20 seconds")
