from __future__ import annotations

from pathlib import Path

import pytest

from backstay.domain.secrets import Secret
from backstay.engines.restic import ResticEngine
from backstay.ports.engine import Repository
from backstay.ports.progress import Silent
from backstay.targets.path import PathStore
from engines.counting_runner import CountingRunner


@pytest.fixture
def runner(tmp_path: Path) -> CountingRunner:
    return CountingRunner(str(tmp_path / "state"))


@pytest.fixture
def engine(runner: CountingRunner) -> ResticEngine:
    return ResticEngine(runner)


@pytest.fixture
def repository(engine: ResticEngine, runner: CountingRunner, tmp_path: Path) -> Repository:
    """A new one; making it is not counted."""
    (tmp_path / "vault").mkdir()
    store = PathStore(str(tmp_path / "vault"), "restic", "w", first_use=True)
    repository = Repository("restic", "vault", "w", Secret("a throwaway key"), store)
    engine.create(repository, Silent())
    runner.commands.clear()
    return repository


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / name).write_text(name * 1000)
    return folder
