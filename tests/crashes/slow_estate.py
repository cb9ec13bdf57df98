"""An estate with a workload that takes as long as the test wants: a producer that goes on until a file is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from acceptance.estates import Answer, Place, leftovers, some_files
from backstay.catalog.catalog import open_catalog
from backstay.domain.points import RestorePoint
from backstay.host.clock import SystemClock
from crashes.deaths import whole

PRODUCER = (
    "echo $$ >{root}/producer; echo begun; while [ ! -e {root}/enough ]; do head -c 1000 /dev/urandom; sleep 0.05; done"
)
PATIENCE_S = 20.0


def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> None:
    """Return as soon as it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)


@dataclass
class SlowEstate:
    """Workloads `slow`, and `quick` ones that are small folders."""

    place: Place
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @classmethod
    def at(cls, root: Path, *, quick: tuple[str, ...] = ("quick",), more: str = "") -> SlowEstate:
        (root / "vault").mkdir()
        script = root / "producer.sh"
        script.write_text(PRODUCER.format(root=root) + "\n")
        place = Place(root)
        files = {name: f"kind: files, paths: [{some_files(root / name, 3)}]" for name in quick}
        slow = f"kind: command, command: [sh, {script}], file_name: noise"
        place.write({"slow": slow, **files}, more=more)
        place.begin("slow", *quick)
        return cls(place)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = self.place.start(*arguments)
        self.started.append(process)
        return process

    def python(self, script: str) -> subprocess.Popen[str]:
        """A program of the test's own that knows the state folder as its first argument."""
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(self.place.state)],
            env=self.place.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def producing(self) -> int:
        """The producer's number, once restic takes what it writes."""
        number, locks = self.place.root / "producer", self.place.repository("slow") / "locks"
        until(lambda: number.exists() and number.read_text().strip(), "the producer starts")
        until(lambda: locks.exists() and whole(locks), "restic starts")
        return int(number.read_text())

    def let_it_end(self) -> None:
        """From now on the producer writes a little, and ends."""
        (self.place.root / "enough").touch()

    def asked(self, name: str) -> bool:
        """Whether a run of this workload was asked for."""
        with closing(open_catalog(f"sqlite:///{self.place.state / 'catalog.db'}", SystemClock())) as catalog:
            return bool(catalog.runs(workload=name))

    def points(self, name: str) -> list[RestorePoint]:
        with closing(open_catalog(f"sqlite:///{self.place.state / 'catalog.db'}", SystemClock())) as catalog:
            return list(catalog.points(name))

    def run_of(self, name: str) -> dict[str, Any]:
        """The newest run of a workload."""
        found: dict[str, Any] = self.place.ask("runs", name)["runs"][0]
        return found

    def troubles(self) -> list[str]:
        """What must not be there when nothing runs."""
        found = leftovers(self.place)
        for repository in (self.place.vault / "restic").iterdir():
            found += [f"a lock of {repository.name}" for _ in whole(repository / "locks")]
            stored = {path.name for path in (repository / "snapshots").iterdir()}
            points = [point.snapshot for point in self.points(repository.name)]
            if stored != set(points) or len(points) != len(stored):
                found.append(f"{repository.name}: points {points}, snapshots {stored}")
        return found

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.communicate()


def answer_of(process: subprocess.Popen[str], timeout: float = 60) -> Answer:
    out, err = process.communicate(timeout=timeout)
    return Answer(process.returncode, out, err)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def end_hard(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
