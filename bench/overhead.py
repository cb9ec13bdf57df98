"""What `backstay run` costs beyond restic in a shell loop, and what its fingerprints cost."""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.fingerprints import fingerprint_rows
from bench.measuring import BACKSTAY, BenchFailed, Sample, machine, measured, spread
from bench.report import Report, Table
from bench.side_by_side import Sides, trees
from postgres import PROGRAMS, private_postgres

SUMMARY = "backstay run beside restic in a shell loop; the cost of fingerprints; start-up"
SHARE, A_JOB_S, A_COMMAND_S = 0.03, 0.3, 2.0
HELP_S = 0.2
METHOD = (
    "Interleaved pairs, the order swapped each round; 5 % of the files rewritten before each round; one round before",
    "them is not counted. Both sides write to copies of one repository, so that opening it costs both the same.",
    "cpu: user and system seconds of the command and of all that it waited for. Cells: median (least-most).",
    "extra: difference of a pair; allowed: 3 % of bare + 0.3 s a job + 2 s a command. made: points of each side.",
)

Row = Mapping[str, Any]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=_even, default=4, help="pairs of each row; an even number")
    parser.add_argument("--workloads", type=int, nargs="*", default=[1, 10, 50], help="a row for each number")
    parser.add_argument("--files", type=int, default=200, help="files of each workload")
    parser.add_argument("--large", type=int, default=20_000, help="files of the tree whose fingerprint is measured")


def measure(options: argparse.Namespace, root: Path) -> Report:
    """All tables."""
    before = machine()
    runs = [row for count in options.workloads for row in _tree_rows(root, count, options)]
    singles = [*_sqlite_rows(root / "sqlite", options.rounds), *_postgresql_rows(root / "postgresql", options.rounds)]
    return Report(
        "overhead",
        METHOD,
        (
            Table("Backups of trees: backstay run --all beside restic in a loop (seconds)", runs),
            Table("One database, for information: backstay run beside dump and restic (seconds)", singles),
            Table("Fingerprints of a tree, beside restic's own work (CPU seconds)", fingerprint_rows(root, options)),
            Table("Start-up (seconds, median of 7)", _start_rows()),
        ),
        before,
    )


def _even(text: str) -> int:
    number = int(text)
    if number < 2 or number % 2:
        raise argparse.ArgumentTypeError("an even number, so that each side goes first as often")
    return number


def _tree_rows(root: Path, count: int, options: argparse.Namespace) -> Iterator[Row]:
    sides = trees(root / f"trees-{count}", count, options.files)
    return _rows(f"{count} workloads of {options.files} files", sides, count, options.rounds)


def _rows(title: str, sides: Sides, jobs: int, rounds: int) -> Iterator[Row]:
    """One row for wall time and one for processor time."""
    ours, bare = _pairs(sides, rounds)
    made = _demand_equal(sides, jobs * (rounds + 1))
    yield _row(title, "wall", [one.wall_s for one in ours], [one.wall_s for one in bare], jobs, made)
    yield _row(title, "cpu", [one.cpu_s for one in ours], [one.cpu_s for one in bare], jobs, made)


def _pairs(sides: Sides, rounds: int) -> tuple[list[Sample], list[Sample]]:
    sides.backstay()
    sides.bare()
    ours, bare = [], []
    for number in range(rounds):
        sides.rewrite()
        if number % 2:
            bare.append(sides.bare())
            ours.append(sides.backstay())
        else:
            ours.append(sides.backstay())
            bare.append(sides.bare())
    return ours, bare


def _demand_equal(sides: Sides, expected: int) -> str:
    ours, bare = sides.points()
    if ours != expected or bare != expected:
        raise BenchFailed(f"backstay made {ours} points and the loop {bare}; both should have made {expected}")
    return f"{ours} = {bare}"


def _row(title: str, what: str, ours: Sequence[float], bare: Sequence[float], jobs: int, made: str) -> Row:
    extra = spread([one - other for one, other in zip(ours, bare, strict=True)])
    allowed = spread(bare).median * SHARE + A_JOB_S * jobs + A_COMMAND_S
    return {
        "row": title,
        "": what,
        "bare": spread(bare),
        "backstay": spread(ours),
        "extra": extra,
        "allowed": allowed,
        "verdict": verdict(extra.median, allowed),
        "made": made,
    }


def verdict(value: float, allowed: float) -> str:
    """Kept or missed."""
    return "kept" if value <= allowed else "missed"


def _sqlite_rows(root: Path, rounds: int) -> Iterator[Row]:
    (root / "source").mkdir(parents=True)
    path = root / "source" / "ledger"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, text TEXT)")
        database.executemany("INSERT INTO entry (text) VALUES (?)", ((f"text {n}" * 20,) for n in range(20_000)))
    database.close()
    copy = f"rm -f {root}/copy; sqlite3 $source '.backup {root}/copy'; source={root}/copy;"
    yield from _rows("one sqlite file of 4 MB", Sides(root, {"ledger": f"kind: sqlite, path: {path}"}, copy), 1, rounds)


def _postgresql_rows(root: Path, rounds: int) -> Iterator[Row]:
    with private_postgres() as server:
        server.execute("CREATE TABLE entry AS SELECT n, repeat(md5(n::text), 5) FROM generate_series(1, 20000) n")
        folder, address = f"{root}/dump", server.address
        dump = (
            f"rm -rf {folder}; mkdir {folder}; source={folder}; "
            f"{PROGRAMS}/pg_dumpall --globals-only -d '{address}' > {folder}/globals.sql; "
            f"{PROGRAMS}/pg_dump -Fd -Z0 -f {folder}/shop '{address}';"
        )
        inside = {"shop": f"kind: postgresql, dsn: '{server.address}'"}
        yield from _rows("one postgresql database of 4 MB", Sides(root, inside, dump), 1, rounds)


def _start_rows() -> list[Row]:
    commands = {"backstay --help": [BACKSTAY, "--help"], "restic version": ["restic", "version"]}
    taken: dict[str, list[Sample]] = {name: [] for name in commands}
    for _ in range(7):
        for name, argv in commands.items():
            taken[name].append(measured(argv, {"PATH": "/usr/local/bin:/usr/bin:/bin"}))
    goals = {"backstay --help": HELP_S, "restic version": None}
    return [_start_row(name, samples, goals[name]) for name, samples in taken.items()]


def _start_row(name: str, samples: Sequence[Sample], goal: float | None) -> Row:
    wall, cpu = spread([one.wall_s for one in samples]), spread([one.cpu_s for one in samples])
    kept = verdict(wall.median, goal) if goal else None
    return {"command": name, "wall": wall, "cpu": cpu, "goal": goal, "verdict": kept}
