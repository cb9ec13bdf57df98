from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backstay.app.engine_check import throwaway
from backstay.app.engine_harness import Throwaway
from backstay.engines.memory import MemoryEngine
from backstay.engines.restic import ResticEngine
from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.ports.conformance import ENGINE_CHECKS, EngineCheck
from backstay.ports.engine import Engine, Repository
from backstay.ports.progress import Progress
from backstay.targets.path import PathStore
from made_repositories import make_repository


class BegunByUs(ResticEngine):
    """restic, with a first `create` that costs little; from then on nothing differs."""

    def create(self, repository: Repository, progress: Progress) -> None:
        if not repository.store.exists():
            make_repository(Path(repository.store.location), repository.password.reveal())
        super().create(repository, progress)


@pytest.fixture(params=["memory", "restic"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    if request.param == "memory":
        return MemoryEngine()
    return BegunByUs(Processes(HostSecrets(), SystemClock(), str(tmp_path / "state")))


@pytest.fixture
def harness(engine: Engine, tmp_path: Path) -> Iterator[Throwaway]:
    (tmp_path / "target").mkdir()
    with throwaway(engine, "vault", lambda name: _store(tmp_path, name), str(tmp_path / "w"), SystemClock()) as made:
        yield made


@pytest.mark.parametrize("check", ENGINE_CHECKS, ids=lambda check: check.__name__)
def test_the_engine_keeps_its_promise(check: EngineCheck, harness: Throwaway) -> None:
    check(harness)


def _store(folder: Path, name: str) -> PathStore:
    return PathStore(str(folder / "target"), "engine", name, first_use=True)
