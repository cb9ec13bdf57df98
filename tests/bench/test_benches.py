"""Each bench runs, in a size that shows no more than that it does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=580, check=False)


def document(*arguments: str) -> dict[str, Any]:
    done = bench(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    written = Path(done.stderr.strip().splitlines()[-1].removeprefix("written to "))
    assert written.read_text() == done.stdout
    written.unlink()
    parsed: dict[str, Any] = json.loads(done.stdout)
    assert {"cores", "load", "restic", "backstay"} <= parsed["machine"]["before"].keys()
    assert parsed["method"]
    return parsed


def test_alone_the_benches_are_listed() -> None:
    listed = bench()
    assert listed.returncode == 0
    assert "overhead" in listed.stdout
    assert "standing" in listed.stdout
    assert "planner" in listed.stdout
    assert "window" in listed.stdout


def test_an_odd_number_of_rounds_is_refused() -> None:
    assert bench("overhead", "--rounds", "3").returncode == 2


@pytest.mark.long
@pytest.mark.timeout(600)
def test_overhead_compares_both_sides_with_what_is_allowed() -> None:
    found = document("overhead", "--rounds", "2", "--workloads", "1", "--files", "4", "--large", "50")
    trees, databases, fingerprints, start = found["tables"]
    assert [row[""] for row in trees["rows"]] == ["wall", "cpu"]
    # A round before the two that count, and as many points on either side.
    assert {row["made"] for row in [*trees["rows"], *databases["rows"]]} == {"3 = 3"}
    assert all(
        row["verdict"] == ("kept" if row["extra"]["median"] <= row["allowed"] else "missed") for row in trees["rows"]
    )
    assert [row["goal"] for row in fingerprints["rows"]] == ["10%", "3%"]
    assert {row["command"] for row in start["rows"]} == {"backstay --help", "restic version"}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_standing_measures_commands_over_a_history() -> None:
    commands, memory = document("standing", "--rounds", "1", "--workloads", "2", "--points", "10")["tables"]
    assert {row["command"] for row in commands["rows"]} >= {"status", "plan", "check --json"}
    assert all(row["wall"]["median"] > 0 and row["peak MiB"] > 20 for row in commands["rows"])
    assert memory["rows"][0]["second"] > 20


def test_the_planner_is_held_against_bounds_and_other_orders() -> None:
    found = document("planner", "--sizes", "50", "--seeds", "2", "--exact", "0")
    rows = [row for table in found["tables"] for row in table["rows"]]
    assert any(row.get("jobs") == 50 for row in rows)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_window_is_held_against_its_bound_and_production_is_asked_meanwhile() -> None:
    found = document("window", "--rounds", "1", "--scale", "15", "--only", "backstay")
    windows, expected, bursts = found["tables"]
    (row,) = windows["rows"]
    assert row["ratio"]["median"] >= 1.0
    assert row["p99 / quiet"]["median"] > 0
    assert expected["rows"][0]["foretold / real"] < 1.0  # so short a window is mostly what surrounds it
    assert bursts["rows"][0]["yield s"]["median"] >= 0
