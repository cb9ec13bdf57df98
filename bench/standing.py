"""What it costs to look: commands that only show, over a large estate, and the memory of a run."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.history import write_history
from bench.measuring import BACKSTAY, BenchFailed, Sample, machine, measured, spread
from bench.report import Report, Table
from bench.side_by_side import trees

SUMMARY = "status, plan and check over a thousand workloads; the memory of a run"
INSTANT_S = 1.5
MIB = 1 << 20
METHOD = (
    "Whole commands with their start-up, median (least-most). peak: most memory of the program itself, without restic.",
    "The history: one run and one point a day for each workload, in SQLite.",
)

Row = Mapping[str, Any]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5, help="of each command")
    parser.add_argument("--workloads", type=int, default=1000)
    parser.add_argument("--points", type=int, default=100_000)


def measure(options: argparse.Namespace, root: Path) -> Report:
    """Both tables."""
    before = machine()
    many = {**os.environ, **write_history(root / "many", options.workloads, options.points)}
    title = f"Commands over {options.workloads:,} workloads and {options.points:,} points (seconds)"
    tables = (
        Table(title, _commands(many, options)),
        Table("Memory of backstay run (MiB)", [_run(root / "run", min(10, options.workloads))]),
    )
    return Report("standing", METHOD, tables, before)


def _commands(environment: Mapping[str, str], options: argparse.Namespace) -> list[Row]:
    expected = {"status": "workloads", "plan": "jobs", "check": None, "runs": "runs"}
    rows = []
    for name, counted in expected.items():
        samples = [_asked(environment, name, "--json") for _ in range(options.rounds)]
        if counted and not json.loads(samples[0].out)[counted]:
            raise BenchFailed(f"{name} shows nothing")
        rows.append(_row(f"{name} --json", samples))
        rows.append(_row(name, [_asked(environment, name) for _ in range(options.rounds)]))
    return rows


def _asked(environment: Mapping[str, str], *words: str) -> Sample:
    return measured([BACKSTAY, *words], environment, watch_memory=True)


def _row(title: str, samples: Sequence[Sample]) -> Row:
    wall = spread([one.wall_s for one in samples])
    return {
        "command": title,
        "wall": wall,
        "cpu": spread([one.cpu_s for one in samples]),
        "peak MiB": max(one.own_peak_bytes for one in samples) / MIB,
        "goal": INSTANT_S,
        "verdict": "kept" if wall.median <= INSTANT_S else "missed",
    }


def _run(root: Path, count: int) -> Row:
    sides = trees(root, count, 20)
    argv = [BACKSTAY, "--quiet", "run", "--all", "--json"]
    first, second = (measured(argv, sides.environment(), watch_memory=True) for _ in range(2))
    return {
        "run": f"{count} small workloads",
        "first": first.own_peak_bytes / MIB,
        "second": second.own_peak_bytes / MIB,
    }
