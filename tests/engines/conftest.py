from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from backstay.domain.secrets import Secret
from backstay.engines.restic import ResticEngine
from backstay.ports.engine import Repository
from backstay.targets.path import PathStore
from engines.counting_runner import CountingRunner
from made_repositories import make_repository


@pytest.fixture
def runner(tmp_path: Path) -> CountingRunner:
    return CountingRunner(str(tmp_path / "state"))


@pytest.fixture
def engine(runner: CountingRunner) -> ResticEngine:
    return ResticEngine(runner)


@pytest.fixture(scope="session")
def empty_repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    store = PathStore(str(tmp_path_factory.mktemp("made")), "restic", "w", first_use=True)
    made = Repository("restic", "vault", "w", Secret("a throwaway key"), store)
    make_repository(Path(store.location), made.password.reveal())
    return made


@pytest.fixture
def repository(empty_repository: Repository, tmp_path: Path) -> Repository:
    """An empty one of its own."""
    store = PathStore(str(tmp_path / "vault"), "restic", "w", first_use=True)
    shutil.copytree(empty_repository.store.location, store.location)
    return replace(empty_repository, store=store)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / name).write_text(name * 1000)
    return folder
