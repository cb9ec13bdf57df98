"""One command, measured with all that it starts; and the machine that it ran on."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backstay import __version__

BACKSTAY = str(Path(sys.executable).with_name("backstay"))
LOOK_S = 0.01


class BenchFailed(Exception):
    """What was to be compared is not alike, or a command failed: there is no figure then."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One command: wall time, and processor time of it and of all that it waited for."""

    wall_s: float
    cpu_s: float
    out: str = ""
    own_peak_bytes: int = 0


def measured(argv: Sequence[str], environment: Mapping[str, str], *, watch_memory: bool = False) -> Sample:
    """Run a command that must end with status 0. With `watch_memory` its own peak, without its children, is read."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(list(argv), env=dict(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        peak = _peak(process.pid) if watch_memory else 0
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        for stream in (out, err):
            stream.seek(0)
        if process.returncode != 0:
            raise BenchFailed(f"{' '.join(argv)} ended with {process.returncode}: {err.read().decode()}")
        return Sample(wall, used.ru_utime + used.ru_stime, out.read().decode(), peak)


def _peak(pid: int) -> int:
    """The most memory that a process had, read until it has ended."""
    peak = 0
    while not _is_over(pid):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                peak = int(line.split()[1]) * 1024
        time.sleep(LOOK_S)
    return peak


def _is_over(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")


@dataclass(frozen=True, slots=True)
class Spread:
    """Several figures of one thing."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f}-{self.most:.2f})"


def spread(values: Sequence[float]) -> Spread:
    """Median and range.

    >>> str(spread([1.0, 4.0, 2.0]))
    '2.00 (1.00-4.00)'
    """
    return Spread(statistics.median(values), min(values), max(values))


def machine() -> dict[str, Any]:
    """Where and beside what load figures were taken."""
    return {
        "cores": os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "kernel": platform.release(),
        "backstay": __version__,
        "restic": _said(["restic", "version"]),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _said(argv: Sequence[str]) -> str:
    if shutil.which(argv[0]) is None:
        return "not installed"
    return subprocess.run(list(argv), capture_output=True, text=True, check=True).stdout.strip()
