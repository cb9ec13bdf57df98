"""A machine for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets


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
