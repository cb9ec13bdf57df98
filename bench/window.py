"""The window of an emulated estate: how near we come to what is possible, and what production feels of it."""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from math import inf
from pathlib import Path
from statistics import median
from typing import Any

from backstay.planning.night.bounds import bound
from backstay.planning.night.model import Demand, Night, Resource
from bench import rivals
from bench.emulated import LINKS, PAYLOAD, SLOTS, TARGET_RATE, Emulated, disk_of, empty_repositories, emulated
from bench.foretold import foretold, rows, settled
from bench.measuring import BACKSTAY, BenchFailed, machine, spread
from bench.production import ASKED, STEADY, Answer, Production, percentile, production
from bench.report import Report, Table

SUMMARY = "the window of an emulated estate against its bound, beside scripts; and production on a shared link"
METHOD = (
    "Six hosts in network namespaces with sshd, two links shaped by tc tbf, two targets, 28 workloads; random data.",
    "A host's own disk (blkio) reads at most 0.6 of what its link carries; nothing is remembered between windows.",
    "We leave a tenth of the wan, as always, and 3 % of the mpls, on which nobody else is; scripts leave nothing.",
    "ratio: window over the knee bound of the same volumes, slots and links (payload, less what production takes).",
    "late: workloads that ended later than 1.25 times the bound. Production asks on the wan through the whole window.",
    "yield: from the arrival of the burst until answers are within 1.5 times the quiet p99 for a second.",
)
BURST = 1_350_000.0
"""Bytes a second of a stream that production sends for a while: half of the link."""
BURST_S = 20.0
QUIET_S = 15.0
LATE = 1.25

Row = Mapping[str, Any]
Pattern = Callable[[Path, Callable[[str], None]], None]
"""Does everything once with repositories in a folder, and tells the name of each workload when it is stored."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=150.0, help="seconds that the links need at least")
    parser.add_argument("--only", help="one pattern")


@dataclass(slots=True)
class Lived:
    """One window as it was."""

    began: float
    window_s: float
    ends: dict[str, float]
    cpu: float
    peak: int
    quiet_p99: float
    answers: list[Answer] = field(repr=False)
    burst_at: float | None = None

    @property
    def p50(self) -> float:
        return percentile(self.answers, 0.5)

    @property
    def p99(self) -> float:
        return percentile(self.answers, 0.99)

    def yielded_s(self) -> float | None:
        """From the burst until answers are quiet for a second; what comes after that is in the p99."""
        if self.burst_at is None:
            return None
        until, tolerated = self.burst_at + BURST_S, 1.5 * self.quiet_p99
        slow = sorted(each.at for each in self.answers if self.burst_at <= each.at < until and each.seconds > tolerated)
        quiet = (at for at, after in pairwise([self.burst_at, *slow, inf]) if after - at > 1.0)
        return next(quiet) - self.burst_at


def measure(options: argparse.Namespace, root: Path) -> Report:
    """Both tables."""
    before = machine()
    root.chmod(0o755)
    with emulated(root, options.scale, seed=7) as estate:
        fresh = Fresh(estate)
        said = foretold(estate, fresh.folder("foretold"))
        prep = rivals.empty_job_s(estate, fresh.folder("empty"), time.monotonic)
        patterns: dict[str, Pattern] = {rival.name: partial(rivals.run, rival, estate) for rival in rivals.RIVALS}
        patterns["backstay"] = partial(backstay, estate)
        if options.only:
            patterns = {options.only: patterns[options.only]}
        lived: dict[str, list[Lived]] = {name: [] for name in patterns}
        order = random.Random(options.rounds)
        for _ in range(options.rounds):
            for name in order.sample(sorted(patterns), len(patterns)):
                lived[name].append(live(estate, fresh.folder(name), patterns[name]))
                print(f"{name}: {lived[name][-1].window_s:.1f} s", file=sys.stderr, flush=True)
        bursts = [
            live(estate, fresh.folder("burst"), patterns["backstay"], burst_after=options.scale / 3)
            for _ in range(options.rounds if "backstay" in patterns else 0)
        ]
    least = bound(night(estate, prep)).knee_s
    with_burst = bound(night(estate, prep, burst_after=options.scale / 3)).knee_s
    tables = [
        Table(
            f"Windows; the least possible is {least:.1f} s", [_row(name, each, least) for name, each in lived.items()]
        )
    ]
    medians = {name: median(each.window_s for each in ones) for name, ones in lived.items()}
    tables.append(Table("What backstay compare had foretold", rows(said, medians)))
    if bursts:
        tables.append(Table(f"A burst of production; at least {with_burst:.1f} s", [_burst_row(bursts, with_burst)]))
    return Report("window", (*METHOD, f"A job without bytes takes {prep:.2f} s."), tables, before)


class Fresh:
    """A new folder for each window, with an empty repository for each workload, and hosts that must read their disks;
    the folder before is removed."""

    def __init__(self, estate: Emulated) -> None:
        self._estate = estate
        self._last: Path | None = None

    def folder(self, name: str) -> Path:
        if self._last is not None:
            shutil.rmtree(self._last)
        self._last = self._estate.root / f"night-{name.replace(' ', '-')}"
        estate = self._estate
        for host in estate.hosts.values():
            host.forget_what_it_read()
        empty_repositories(self._last, estate.root / "template", estate.works, estate.root / "password")
        return self._last


def live(
    estate: Emulated,
    folder: Path,
    pattern: Pattern,
    burst_after: float | None = None,
) -> Lived:
    """One window under production's eyes."""
    wan = estate.links["wan"]
    ends: dict[str, float] = {}
    with production(estate.hosts["app1"], f"{wan.network}.1") as asking:
        time.sleep(QUIET_S)
        quiet = percentile(asking.between(0, inf), 0.99)
        watch = _Watch()
        began = time.monotonic()

        def ended(name: str) -> None:
            ends.setdefault(name, time.monotonic() - began)

        with _burst(asking, burst_after):
            pattern(folder, ended)
        window = time.monotonic() - began
        cpu, peak = watch.end()
        answers = asking.between(began, began + window)
    burst_at = None if burst_after is None else began + burst_after
    return Lived(began, window, ends, cpu, peak, quiet, answers, burst_at)


@contextmanager
def _burst(asking: Production, after: float | None) -> Iterator[None]:
    """Production is busy for a while, so many seconds after the context was entered."""
    timers = []
    if after is not None:
        timers = [
            threading.Timer(after, asking.ask, (STEADY, BURST)),
            threading.Timer(after + BURST_S, asking.ask, (STEADY,)),
        ]
    for timer in timers:
        timer.start()
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()


class _Watch(threading.Thread):
    """Processor use of the whole machine, and how many engines store at once."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._over = threading.Event()
        self._peak = 0
        self._began = _processor()
        self.start()

    def run(self) -> None:
        while not self._over.wait(0.5):
            self._peak = max(self._peak, _engines())

    def end(self) -> tuple[float, int]:
        self._over.set()
        self.join()
        busy, total = (now - then for now, then in zip(_processor(), self._began, strict=True))
        return busy / total, self._peak


def _processor() -> tuple[int, int]:
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def _engines() -> int:
    count = 0
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes().split(b"\0")
        except OSError:
            continue
        count += words[0].endswith(b"restic") and b"backup" in words
    return count


def backstay(estate: Emulated, folder: Path, ended: Callable[[str], None]) -> None:
    """The program itself; it remembers one earlier night."""
    argv, environment = [BACKSTAY, "run", "--all", "--json"], settled(estate, folder)
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.rstrip().endswith(": done"):
            ended(line.split(":")[0])
    assert process.stdout is not None
    out = process.stdout.read()
    if process.wait() != 0:
        bad = [f"{run['workload']}: {run['error']}" for run in json.loads(out)["runs"] if run["result"] != "done"]
        raise BenchFailed(f"backstay run ended with {process.returncode}: {bad}")
    for run in json.loads(out)["runs"]:
        ended(run["workload"])


def night(estate: Emulated, prep_s: float, burst_after: float | None = None) -> Night:
    """The same estate as the planner sees it, with what the links can carry beside production."""
    taken = STEADY * ASKED
    resources = {}
    for link, rate in LINKS.items():
        mine = rate * PAYLOAD - (taken if link == "wan" else 0.0)
        steps: tuple[tuple[float, float], ...] = ()
        if burst_after is not None and link == "wan":
            steps = ((burst_after, mine - BURST), (burst_after + BURST_S, mine))
        resources[f"link:{link}"] = Resource(f"link:{link}", "link", mine, steps=steps)
    for host in estate.hosts:
        resources[f"host:{host}"] = Resource(f"host:{host}", "host", disk_of(host), slots=SLOTS)
    for target in {work.target for work in estate.works}:
        resources[f"target:{target}"] = Resource(f"target:{target}", "target", TARGET_RATE)
    demands = tuple(
        Demand(
            work.name,
            work.bytes,
            prep_s=prep_s,
            resources=(
                *((f"host:{work.host}", f"link:{work.link}") if work.host else ()),
                f"target:{work.target}",
            ),
        )
        for work in estate.works
    )
    return Night(demands, resources)


def _row(name: str, lived: Sequence[Lived], least: float) -> Row:
    return {
        "pattern": name,
        "window s": spread([each.window_s for each in lived]),
        "ratio": spread([each.window_s / least for each in lived]),
        "late": max(sum(end > LATE * least for end in each.ends.values()) for each in lived),
        "p50 ms": spread([1000 * each.p50 for each in lived]),
        "p99 ms": spread([1000 * each.p99 for each in lived]),
        "p99 / quiet": spread([each.p99 / each.quiet_p99 for each in lived]),
        "peak": max(each.peak for each in lived),
        "CPU": spread([each.cpu for each in lived]),
    }


def _burst_row(lived: Sequence[Lived], least: float) -> Row:
    return {
        "pattern": "backstay",
        "window s": spread([each.window_s for each in lived]),
        "ratio": spread([each.window_s / least for each in lived]),
        "yield s": spread([each.yielded_s() or 0.0 for each in lived]),
        "p99 ms": spread([1000 * each.p99 for each in lived]),
        "p99 / quiet": spread([each.p99 / each.quiet_p99 for each in lived]),
    }
