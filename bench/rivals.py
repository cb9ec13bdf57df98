"""What people do without a planner: the same engine on the same data, started by a script."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.emulated import LINKS, PAYLOAD, TARGET_RATE, TARGETS, Emulated, Work
from bench.measuring import BenchFailed
from host.waiting import until

RCLONE = str(Path(sys.executable).with_name("rclone"))


@dataclass(frozen=True, slots=True)
class Rival:
    """So many jobs at a time, in the order of the file, each at most at this part of its link or target."""

    name: str
    at_once: int | None
    share: float | None = None


RIVALS = (Rival("serial script", 1), Rival("everything at once", None), Rival("4 jobs, 50 % each", 4, 0.5))


def run(rival: Rival, estate: Emulated, folder: Path, ended: Callable[[str], None]) -> None:
    """Everything once; `ended` hears the name of each workload when it is stored."""
    with _servers(folder) as ports, ThreadPoolExecutor(rival.at_once or len(estate.works)) as pool:

        def one(numbered: tuple[int, Work]) -> None:
            number, work = numbered
            _back_up(rival, estate, folder, work, ports[work.target], 20_000 + number)
            ended(work.name)

        list(pool.map(one, enumerate(estate.works)))


def empty_job_s(estate: Emulated, folder: Path, clock: Callable[[], float]) -> float:
    """What a job costs before and after its bytes: the backup of one small file, by the same way, the best of three."""
    tiny = next(work for work in estate.works if work.kind == "files")
    estate.hosts[str(tiny.host)].call("sh", "-c", "echo x >/home/backup/tiny; chown backup: /home/backup/tiny")
    work = Work(tiny.name, "files", tiny.host, tiny.link, tiny.target, "/home/backup/tiny", 2)
    took = []
    with _servers(folder) as ports:
        for number in range(3):
            began = clock()
            _back_up(RIVALS[0], estate, folder, work, ports[work.target], 21_000 + number)
            took.append(clock() - began)
    return min(took)


def _back_up(rival: Rival, estate: Emulated, folder: Path, work: Work, server: int, port: int) -> None:
    whole = LINKS[work.link] * PAYLOAD if work.link else TARGET_RATE
    limit = [f"--limit-upload={int(rival.share * whole / 1024)}"] if rival.share else []
    here = {**os.environ, "RESTIC_PASSWORD_FILE": str(estate.root / "password"), "RESTIC_PACK_SIZE": "4"}
    repository = f"{folder}/{work.target}/restic/{work.name}"
    restic = ["restic", "--no-cache", *limit]
    if work.kind == "files":
        words = (estate.root / "password").read_text()
        far = f"rest:http://127.0.0.1:{port}/restic/{work.name}/"
        line = f"RESTIC_PACK_SIZE=4 RESTIC_PASSWORD='{words}' {' '.join(restic)} --repo {far} backup {work.where}"
        _do(_ssh(estate, work, line, "-R", f"127.0.0.1:{port}:127.0.0.1:{server}"), here)
        return
    argv = [*restic, "--repo", repository, "backup"]
    if work.kind == "sqlite":
        with tempfile.TemporaryDirectory() as staged:
            _do(["sqlite3", work.where, f".backup {staged}/copy"], here)
            _do([*argv, f"{staged}/copy"], here)
        return
    dump = ["pg_dump", "--format=custom", estate.server.address_of(work.where)]
    producer = dump if work.kind == "postgresql" else _ssh(estate, work, f"cat {work.where}")
    with subprocess.Popen(producer, stdout=subprocess.PIPE, env=here) as source:
        _do([*argv, "--stdin"], here, stdin=source.stdout)
    if source.returncode != 0:
        raise BenchFailed(f"{producer[0]} of {work.name} ended with {source.returncode}")


def _ssh(estate: Emulated, work: Work, line: str, *options: str) -> list[str]:
    known = f"UserKnownHostsFile={estate.far.ssh / 'known_hosts'}"
    address = estate.hosts[str(work.host)].address.removeprefix("ssh://")
    return ["ssh", "-n", "-o", known, "-o", "BatchMode=yes", "-i", str(estate.far.key), *options, address, line]


def _do(argv: Sequence[str], environment: dict[str, str], stdin: object = subprocess.DEVNULL) -> None:
    done = subprocess.run(list(argv), env=environment, stdin=stdin, capture_output=True, text=True, check=False)  # type: ignore[call-overload]  # a pipe or nothing
    if done.returncode != 0:
        raise BenchFailed(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr}")


def _serves(log: Path) -> bool:
    return b"erving" in log.read_bytes()


@contextmanager
def _servers(folder: Path) -> Iterator[dict[str, int]]:
    """One REST server a target, as an administrator would set it up; by target its port."""
    ports: dict[str, int] = {}
    running = []
    try:
        for number, target in enumerate(TARGETS.values()):
            log = folder / f"{target}.log"
            ports[target] = 19_100 + number
            argv = [RCLONE, "serve", "restic", "--addr", f"127.0.0.1:{ports[target]}", str(folder / target)]
            with log.open("wb") as out:
                running.append(subprocess.Popen(argv, stdout=out, stderr=out, env={**os.environ, "RCLONE_CONFIG": ""}))
            until(partial(_serves, log))
        yield ports
    finally:
        for server in running:
            server.terminate()
            server.wait()
