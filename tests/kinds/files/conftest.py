"""A machine for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.kinds.files import FilesKind
from kinds_at_work import Restic
from made_repositories import make_repository


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Processes]:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    runner = Processes(HostSecrets(), SystemClock(), str(state))
    yield runner
    runner.sweep()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir(mode=0o700)
    return place


@pytest.fixture
def kind(runner: Processes, tmp_path: Path) -> FilesKind:
    return FilesKind(runner, SystemClock(), fstab=str(tmp_path / "fstab"))


@pytest.fixture(scope="session")
def restic(tmp_path_factory: pytest.TempPathFactory) -> Restic:
    restic = Restic(tmp_path_factory.mktemp("restic") / "repository")
    make_repository(restic.repository, restic.password)
    return restic
