"""Programs read no faster than they may, whatever they are, and nothing stays paused."""

from __future__ import annotations

import base64
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from backstay.domain.errors import Cancelled
from backstay.host.pacing import LONGEST_PAUSE_S, Reads
from backstay.host.processes import Processes
from backstay.ports.progress import Silent
from backstay.ports.runner import Command
from host.conftest import Worker
from host.waiting import number_in, running, until

MB = 1_000_000
READ_AHEAD = max(int(path.read_text()) for path in Path("/sys/block").glob("*/queue/read_ahead_kb")) * 1024
"""So much a disk is asked for at once, whatever a program may read of it."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("large") / "large"
    path.write_bytes(os.urandom(MB) * 200)
    yield path
    path.unlink()


@dataclass
class Watched:
    """What a program has read by when, seen by somebody else than its pacer."""

    began: float
    seen: list[tuple[float, int]] = field(default_factory=list)

    def rate(self, start: float, end: float) -> float:
        """Bytes a second between two moments after the start."""
        (first, less), (last, more) = self._at(start), self._at(end)
        return (more - less) / (last - first)

    def most_within(self, seconds: float) -> int:
        """The largest burst."""
        return max(more - self._at(moment - seconds)[1] for moment, more in self.seen)

    def _at(self, moment: float) -> tuple[float, int]:
        return max((one for one in self.seen if one[0] <= moment), default=self.seen[0])


def watch(runner: Processes, command: Command, seconds: float) -> Watched:
    with runner.serve(command) as service:
        watched, reads, total = Watched(time.monotonic()), Reads(service.pid), 0
        while (moment := time.monotonic() - watched.began) < seconds and service.ended() is None:
            total += reads.grown(time.monotonic())
            watched.seen.append((moment, total))
            time.sleep(0.01)
    return watched


def watch_disk(runner: Processes, command: Command, seconds: float) -> Watched:
    """What comes from disks only."""
    with runner.serve(command) as service:
        watched, process = Watched(time.monotonic()), psutil.Process(service.pid)
        while (moment := time.monotonic() - watched.began) < seconds and service.ended() is None:
            watched.seen.append((moment, process.io_counters().read_bytes))
            time.sleep(0.01)
    return watched


def readers(large: Path) -> dict[str, tuple[str, ...]]:
    return {
        "direct reads": ("dd", f"if={large}", "of=/dev/null", "bs=256k", "iflag=direct"),
        "from memory, hashed": ("sha256sum", str(large)),
        "by children one after another": ("sh", "-c", f"while :; do head -c 3000000 {large} | sha256sum; done"),
    }


@pytest.mark.parametrize("reader", ["direct reads", "from memory, hashed", "by children one after another"])
def test_a_program_reads_what_it_may_and_no_more(runner: Processes, large: Path, reader: str) -> None:
    watched = watch(runner, Command(readers(large)[reader], pace=lambda: 20.0 * MB), 3.0)
    assert watched.rate(0, 3) == pytest.approx(20 * MB, rel=0.05)
    assert watched.most_within(1.0) < 1.5 * 20 * MB


def test_a_pace_changed_in_the_middle_is_kept_within_a_second(runner: Processes, large: Path) -> None:
    began = time.monotonic()

    def pace() -> float:
        return (10.0 if time.monotonic() - began < 2 else 40.0) * MB

    watched = watch(runner, Command(("sha256sum", str(large)), pace=pace), 4.5)
    assert watched.rate(0, 2) == pytest.approx(10 * MB, rel=0.1)
    assert watched.rate(3, 4.5) == pytest.approx(40 * MB, rel=0.1)


def test_what_one_program_leaves_another_reads(runner: Processes, large: Path) -> None:
    with runner.serve(Command(("sleep", "10"), pace=lambda: 10.0 * MB)):
        watched = watch(runner, Command(("sha256sum", str(large)), pace=lambda: 10.0 * MB), 4.0)
    assert watched.rate(1, 4) == pytest.approx(20 * MB, rel=0.05)
    assert watched.most_within(1.0) < 1.5 * 20 * MB


def test_without_a_limit_nothing_is_held_back(runner: Processes, large: Path) -> None:
    began = time.monotonic()
    done = runner.run(Command(("dd", f"if={large}", "of=/dev/null", "bs=1M"), pace=lambda: None), Silent())
    assert done.status == 0
    assert time.monotonic() - began < 5


def test_a_paced_stream_arrives_whole(runner: Processes, large: Path) -> None:
    began = time.monotonic()
    with runner.stream(Command(("head", "-c", "20000000", str(large)), pace=lambda: 20.0 * MB), Silent()) as chunks:
        assert sum(map(len, chunks)) == 20_000_000
    assert time.monotonic() - began > 0.8


def test_no_program_is_paused_for_longer_than_it_can_bear(runner: Processes, large: Path) -> None:
    longest = since = 0.0
    with runner.serve(Command(("sha256sum", str(large)), pace=lambda: 1000.0)) as service:
        end = time.monotonic() + LONGEST_PAUSE_S + 1.5
        before = wakings(service.pid)
        since = time.monotonic()
        while time.monotonic() < end:
            if (now := wakings(service.pid)) != before:
                before, since = now, time.monotonic()
            longest = max(longest, time.monotonic() - since)
            time.sleep(0.01)
    assert longest < LONGEST_PAUSE_S + 1


def wakings(pid: int) -> str:
    """Changes whenever the program was let go on: how often it was switched off the processor."""
    return Path(f"/proc/{pid}/status").read_text().partition("voluntary_ctxt_switches")[2]


def test_a_pace_of_nothing_lasts_until_it_is_raised(runner: Processes, large: Path) -> None:
    rate = [0.0]
    with runner.serve(Command(("sha256sum", str(large)), pace=lambda: rate[0])) as service:
        reads = Reads(service.pid)
        time.sleep(0.3)
        reads.grown(time.monotonic())  # what it read before we could pause it
        time.sleep(0.3)
        assert reads.grown(time.monotonic()) == 0
        rate[0] = 1000.0 * MB
        until(lambda: service.ended() == 0)


def test_a_paced_program_stops_at_once_and_in_its_own_way_and_speed(
    runner: Processes, large: Path, tmp_path: Path
) -> None:
    class Stopping(Silent):
        def check(self) -> None:
            if (tmp_path / "ready").exists():
                raise Cancelled("enough")

    script = """
trap 'sha256sum $2 >$1/end; exit' INT
while :; do head -c 20000 $2 | wc -c >$1/ready; done"""
    command = Command(("sh", "-c", script, "sh", str(tmp_path), str(large)), stop="INT", pace=lambda: 1.0 * MB)
    with pytest.raises(Cancelled):
        runner.run(command, Stopping())
    assert str(large) in (tmp_path / "end").read_text()


@pytest.mark.parametrize("stop", ["INT", "TERM"])
def test_a_paused_program_does_not_stay_when_its_worker_is_killed(worker: Worker, tmp_path: Path, stop: str) -> None:
    process = worker(f"""
script = "sleep 300 & echo $! >$1/child; echo $$ >$1/pid; wait"
rates = iter([None])
command = Command(("sh", "-c", script, "sh", tmp), stop="{stop}", pace=lambda: next(rates, 0.0))
with runner.serve(command):
    time.sleep(300)
""")
    pid, child = number_in(tmp_path / "pid"), number_in(tmp_path / "child")
    until(lambda: state_of(pid) == state_of(child) == "T")
    process.send_signal(signal.SIGKILL)
    until(lambda: not running(pid), seconds=5)
    assert not running(child) or state_of(child) != "T"
    subprocess.run(["kill", "-9", str(child)], check=False, capture_output=True)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_no_thread_and_no_process_is_left_behind(runner: Processes) -> None:
    threads, children = set(threading.enumerate()), set(psutil.Process().children())
    for _ in range(3):
        runner.run(Command(("true",), pace=lambda: 1.0 * MB), Silent())
    assert set(threading.enumerate()) <= threads
    assert set(psutil.Process().children()) <= children


@pytest.mark.long
@pytest.mark.parametrize("limit", [5, 50])
def test_a_limit_is_kept_over_ten_seconds(runner: Processes, large: Path, limit: int) -> None:
    script = f"while :; do sha256sum {large} {large} >/dev/null; done"
    watched = watch(runner, Command(("sh", "-c", script), pace=lambda: float(limit) * MB), 10)
    assert watched.rate(0, 10) == pytest.approx(limit * MB, rel=0.05)
    assert watched.most_within(1.0) < 1.5 * limit * MB


@pytest.mark.long
def test_restic_reads_a_disk_evenly(runner: Processes, large: Path, tmp_path: Path) -> None:
    with large.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    env = repository(runner, tmp_path)
    command = Command(("restic", "--no-cache", "backup", str(large)), env, pace=lambda: 10.0 * MB, rereads=True)
    watched = watch_disk(runner, command, 11)
    ahead = 2 * READ_AHEAD  # restic reads two files at a time
    assert 0.95 * 9 * 10 * MB - ahead < watched.rate(2, 11) * 9 < 1.05 * 9 * 10 * MB + ahead
    assert watched.most_within(1.0) < 10 * MB + ahead


@pytest.mark.long
@pytest.mark.parametrize("data", ["random", "text"])
def test_of_what_restic_reads_only_its_source_counts(runner: Processes, tmp_path: Path, data: str) -> None:
    source = tmp_path / "source"
    noise = random.Random(7).randbytes(120 * MB)
    source.write_bytes(noise if data == "random" else base64.b64encode(noise)[: 120 * MB])
    env = repository(runner, tmp_path)
    argv = ("restic", "--no-cache", "backup", str(source))
    finished = runner.run(Command(argv, env, pace=lambda: 10.0 * MB, rereads=True), Silent())
    assert finished.status == 0
    assert 0.95 * 12 < finished.seconds < 1.05 * 12 + 2  # it opens its repository first, and writes its index last


def repository(runner: Processes, folder: Path) -> dict[str, str]:
    """The environment in which restic finds a new one."""
    env = {
        "RESTIC_PASSWORD": "for tests only",
        "RESTIC_REPOSITORY": str(folder / "repository"),
        "RESTIC_PACK_SIZE": "4",
    }
    runner.run(Command(("restic", "--no-cache", "init"), env), Silent())
    return env
