"""restic itself, on real repositories."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backstay.domain.errors import Cancelled, EngineFailed, RepositoryDamaged
from backstay.domain.secrets import Secret
from backstay.engines.restic import ResticEngine
from backstay.ports.engine import BackupReport, BackupRequest, Paths, Repository, RestoreRequest, VerifyRequest
from backstay.ports.progress import Silent
from backstay.targets.path import PathStore
from engines.counting_runner import CountingRunner

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def request(repository: Repository, source: Path, run_id: str = "r1") -> BackupRequest:
    return BackupRequest(repository, run_id, "crm", "n0nce", Paths("/", (str(source),)), NOW)


def backup(engine: ResticEngine, repository: Repository, source: Path, run_id: str = "r1") -> BackupReport:
    return engine.backup(request(repository, source, run_id), Silent())


def largest_pack(repository: Repository) -> Path:
    pieces = repository.store.pieces("data")
    return Path(repository.store.location, max(pieces, key=lambda name: pieces[name]))


def test_a_backup_is_exactly_one_restic_process(
    engine: ResticEngine, runner: CountingRunner, repository: Repository, source: Path
) -> None:
    backup(engine, repository, source)
    engine.release(repository, Silent())
    engine.inventory(repository, NOW)
    assert runner.commands == ["backup"]


def test_the_version_is_asked_once(engine: ResticEngine, runner: CountingRunner, repository: Repository) -> None:
    engine.preflight(repository, Silent())
    assert engine.version() == engine.version()
    assert runner.commands.count("version") <= 1


def test_the_version_is_that_of_the_restic_on_the_path(
    runner: CountingRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = tmp_path / "bin" / "restic"
    newer.parent.mkdir()
    newer.write_text("#!/bin/sh\necho restic 0.18.0 compiled with go1.24.1 on linux/amd64\n")
    newer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{newer.parent}:{os.environ['PATH']}")
    assert ResticEngine(runner).version() == "0.18.0"
    newer.write_text("#!/bin/sh\necho something else\n")
    with pytest.raises(EngineFailed, match="did not name a version"):
        ResticEngine(runner).version()


def test_a_parent_that_was_forgotten_does_not_matter(
    engine: ResticEngine, repository: Repository, source: Path
) -> None:
    report = engine.backup(replace(request(repository, source), parent="f" * 64), Silent())
    assert report.files == 2


def test_an_unchanged_source_adds_next_to_nothing(engine: ResticEngine, repository: Repository, source: Path) -> None:
    first = backup(engine, repository, source)
    second = engine.backup(replace(request(repository, source, "r2"), parent=first.snapshot), Silent())
    assert second.bytes_read == 6000
    assert second.bytes_added < 3000  # not the files; only folders above them, which others may have touched


def test_a_source_path_that_is_missing_is_reported_though_restic_says_all_is_well(
    engine: ResticEngine, repository: Repository, source: Path
) -> None:
    paths = Paths("/", (str(source), "/nowhere/at/all"))
    report = engine.backup(replace(request(repository, source), source=paths), Silent())
    assert report.unreadable == ("/nowhere/at/all: is not there",)


def test_a_snapshot_that_was_written_before_the_work_was_stopped_is_taken_back(
    engine: ResticEngine, runner: CountingRunner, repository: Repository, source: Path
) -> None:
    kept = backup(engine, repository, source)

    def stop(command: str) -> None:
        if command == "backup":
            raise Cancelled("stopped at the very end")

    runner.afterwards = stop
    with pytest.raises(Cancelled):
        backup(engine, repository, source, "r2")
    assert list(repository.store.pieces("snapshots")) == [f"snapshots/{kept.snapshot}"]


def test_a_snapshot_that_the_store_lacks_is_no_success(
    engine: ResticEngine, runner: CountingRunner, repository: Repository, source: Path
) -> None:
    folder = Path(repository.store.location, "snapshots")

    def lose(command: str) -> None:
        for path in folder.iterdir():
            path.unlink()

    runner.afterwards = lose
    with pytest.raises(EngineFailed, match="lacks it"):
        backup(engine, repository, source)


def test_two_first_uses_at_once_make_one_repository(runner: CountingRunner, tmp_path: Path, source: Path) -> None:
    engine = ResticEngine(runner)
    (tmp_path / "vault").mkdir()
    store = PathStore(str(tmp_path / "vault"), "restic", "new", first_use=True)
    repository = Repository("restic", "vault", "new", Secret("a throwaway key"), store)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: engine.create(repository, Silent()), range(2)))
    assert len(store.pieces("keys")) == 1
    assert os.listdir(tmp_path / "vault" / "restic") == ["new"]
    assert backup(engine, repository, source).files == 2


def test_a_snapshot_that_cannot_be_read_is_damage_and_not_left_out_of_the_list(
    engine: ResticEngine, repository: Repository, source: Path
) -> None:
    report = backup(engine, repository, source)
    _flip(Path(repository.store.location, "snapshots", report.snapshot))
    with pytest.raises(RepositoryDamaged, match=report.snapshot):
        engine.restore_points(repository, Silent())


def test_a_restore_from_damaged_bytes_is_damage(
    engine: ResticEngine, repository: Repository, source: Path, tmp_path: Path
) -> None:
    (source / "noise").write_bytes(os.urandom(100_000))
    report = backup(engine, repository, source)
    _flip(largest_pack(repository))
    with pytest.raises(RepositoryDamaged, match="missing or wrong"):
        engine.restore(RestoreRequest(repository, report.snapshot, str(tmp_path / "out")), Silent())


def test_a_restore_can_be_narrowed(engine: ResticEngine, repository: Repository, source: Path, tmp_path: Path) -> None:
    report = backup(engine, repository, source)
    into = tmp_path / "out"
    restored = engine.restore(RestoreRequest(repository, report.snapshot, str(into), ("one",)), Silent())
    assert (restored.files, restored.bytes) == (1, 3000)
    assert (into / str(source).lstrip("/") / "one").read_text() == "one" * 1000


def test_a_file_in_the_place_of_the_folder_is_an_error_that_names_it(
    engine: ResticEngine, repository: Repository, source: Path
) -> None:
    with pytest.raises(EngineFailed, match="one cannot be used"):
        engine.restore(RestoreRequest(repository, "a" * 64, str(source / "one")), Silent())


def test_pieces_that_somebody_pruned_by_hand_are_a_remark(
    engine: ResticEngine, repository: Repository, source: Path
) -> None:
    (source / "noise").write_bytes(os.urandom(100_000))
    doomed = backup(engine, repository, source)
    (source / "noise").unlink()
    backup(engine, repository, source, "r2")
    expected = engine.inventory(repository, NOW)
    _stock_restic(repository, "forget", doomed.snapshot, "--prune")
    report = engine.verify(VerifyRequest(repository, "pieces", expected), Silent())
    assert not report.problems
    assert report.remarks == (
        "snapshots were forgotten or rewritten by hand",
        "the repository was pruned by hand: older pieces are gone",
    )
    assert not engine.verify(VerifyRequest(repository, "structure"), Silent()).problems


def test_a_repository_without_its_keys_is_found_before_work(engine: ResticEngine, repository: Repository) -> None:
    assert not engine.preflight(repository, Silent())
    for piece in repository.store.pieces("keys"):
        Path(repository.store.location, piece).unlink()
    assert [finding.code for finding in engine.preflight(repository, Silent())] == ["repository_broken"]


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)


def _stock_restic(repository: Repository, *arguments: str) -> None:
    environment = {**os.environ, "RESTIC_PASSWORD": repository.password.reveal()}
    argv = ["restic", "--no-cache", "--repo", repository.store.location, *arguments]
    subprocess.run(argv, env=environment, check=True, capture_output=True)


def test_half_a_piece_that_came_after_the_last_point_is_a_remark_and_one_that_a_point_needs_is_damage(
    engine: ResticEngine, repository: Repository, source: Path
) -> None:
    """A gateway writes under the final name: a backup that is under way, or was cut off, is no damage."""
    backup(engine, repository, source)
    expected = engine.inventory(repository, NOW)
    needed = next(iter(repository.store.pieces("data")))
    late = Path(repository.store.location, "data/00", "0" * 64)
    late.write_bytes(b"half of it")
    report = engine.verify(VerifyRequest(repository, "pieces", expected), Silent())
    assert report.problems == ()
    assert report.remarks == (f"data/00/{'0' * 64} is being written, or left over from a write that was cut off",)
    whole = Path(repository.store.location, needed)
    whole.chmod(0o600)
    whole.write_bytes(bytes(whole.stat().st_size))
    report = engine.verify(VerifyRequest(repository, "pieces", expected), Silent())
    assert report.problems == (f"{needed} is damaged: its content does not match its name",)
