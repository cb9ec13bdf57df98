"""A prune by somebody else is no damage, whatever it takes away and whenever; a loss stays one."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from backstay.engines.restic import ResticEngine
from backstay.ports.engine import BackupReport, BackupRequest, Paths, Repository, VerifyReport, VerifyRequest
from backstay.ports.progress import Progress, Silent
from engines.counting_runner import CountingRunner

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_packs_of_an_interrupted_backup_may_be_pruned(
    engine: ResticEngine, repository: Repository, source: Path
) -> None:
    backup(engine, repository, source)
    unindexed_pack(repository)
    expected = engine.inventory(repository, NOW)
    restic(repository, "prune")
    for depth in ("names", "pieces"):
        report = engine.verify(VerifyRequest(repository, depth, expected), Silent())
        assert not report.problems
        assert report.remarks == ("packs that no index knew were pruned by hand: 1",)


def test_a_pack_that_the_index_knows_is_missed_among_those_that_it_does_not(
    engine: ResticEngine, repository: Repository, source: Path
) -> None:
    backup(engine, repository, source)
    known = sorted(repository.store.pieces("data"))
    unknown = unindexed_pack(repository)
    expected = engine.inventory(repository, NOW)
    for name in (known[0], unknown):
        Path(repository.store.location, name).unlink()
    report = engine.verify(VerifyRequest(repository, "names", expected), Silent())
    assert report.problems == (f"{known[0]} is missing",)


def test_a_repository_that_cannot_be_asked_lacks_what_is_missing(
    engine: ResticEngine, repository: Repository, source: Path
) -> None:
    backup(engine, repository, source)
    unknown = unindexed_pack(repository)
    expected = engine.inventory(repository, NOW)
    Path(repository.store.location, unknown).unlink()
    Path(repository.store.location, "config").write_bytes(b"")
    assert f"{unknown} is missing" in engine.verify(VerifyRequest(repository, "names", expected), Silent()).problems


def test_a_prune_in_the_middle_of_a_look_is_no_damage(
    engine: ResticEngine, repository: Repository, source: Path
) -> None:
    doomed = backup(engine, repository, source)
    (source / "one").write_bytes(os.urandom(100_000))
    backup(engine, repository, source, "r2")
    expected = engine.inventory(repository, NOW)
    report = looked_at_while_pruned(engine, repository, doomed.snapshot, VerifyRequest(repository, "pieces", expected))
    assert not report.problems


def test_a_whole_repository_is_looked_at_without_restic(
    engine: ResticEngine, runner: CountingRunner, repository: Repository, source: Path
) -> None:
    backup(engine, repository, source)
    runner.commands.clear()
    engine.verify(VerifyRequest(repository, "pieces", engine.inventory(repository, NOW)), Silent())
    assert runner.commands == []


def backup(engine: ResticEngine, repository: Repository, source: Path, run_id: str = "r1") -> BackupReport:
    request = BackupRequest(repository, run_id, "crm", "n0nce", Paths("/", (str(source),)), NOW)
    return engine.backup(request, Silent())


def unindexed_pack(repository: Repository) -> str:
    """What a backup that was killed leaves: a pack of which no index tells."""
    content = os.urandom(5000)
    digest = hashlib.sha256(content).hexdigest()
    name = f"data/{digest[:2]}/{digest}"
    Path(repository.store.location, name).write_bytes(content)
    return name


def looked_at_while_pruned(
    engine: ResticEngine, repository: Repository, doomed: str, request: VerifyRequest
) -> VerifyReport:
    @dataclass
    class Pruning(Silent):
        pruned: bool = False

        def check(self) -> None:
            if not self.pruned:
                self.pruned = True
                restic(repository, "forget", doomed, "--prune")

    watched: Progress = Pruning()
    return engine.verify(request, watched)


def restic(repository: Repository, *arguments: str) -> None:
    environment = {**os.environ, "RESTIC_PASSWORD": repository.password.reveal()}
    argv = ["restic", "--no-cache", "--repo", repository.store.location, *arguments]
    subprocess.run(argv, env=environment, check=True, capture_output=True)
