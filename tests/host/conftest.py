"""A machine for each test: a state folder, secrets and processes of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets

Worker = Callable[[str], "subprocess.Popen[bytes]"]

_PREAMBLE = """
import sys, time
from pathlib import Path
from backstay.host.clock import SystemClock
from backstay.host.keys import RepositoryKeys
from backstay.host.lock import ExecutorLock
from backstay.host.places import ScratchPlaces
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.domain.estate import Target
from backstay.ports.progress import Silent
from backstay.ports.runner import Command
state, tmp = sys.argv[1:]
runner = Processes(HostSecrets(), SystemClock(), state)
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def secrets() -> HostSecrets:
    return HostSecrets()


@pytest.fixture
def runner(secrets: HostSecrets, state: Path) -> Iterator[Processes]:
    runner = Processes(secrets, SystemClock(), str(state))
    yield runner
    runner.sweep()


@pytest.fixture
def worker(state: Path, tmp_path: Path, runner: Processes) -> Iterator[Worker]:
    """Starts another process of ours that runs the given lines, knowing `runner`, `state` and `tmp`."""
    started: list[subprocess.Popen[bytes]] = []

    def start(lines: str) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-c", _PREAMBLE + lines, str(state), str(tmp_path)]
        started.append(subprocess.Popen(program, stdin=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
