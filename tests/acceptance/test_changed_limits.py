"""Limits that are changed in the estate file while jobs run, seen from outside: what arrives at the target."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from acceptance.estates import PROGRAM, Place, leftovers
from host.waiting import until

SETTLED_S, MEASURED_S = 1.0, 10.0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    place.vault.mkdir()
    (tmp_path / "tree").mkdir()
    for number in range(4):
        (tmp_path / "tree" / str(number)).write_bytes(os.urandom(20_000_000))
    yield place
    assert leftovers(place) == []


def limited(place: Place, limit: str) -> None:
    """Two jobs at once, one of files and one of a stream, of which neither ends while it is looked at."""
    endless = "kind: command, command: [head, -c, 80000000, /dev/urandom], file_name: x"
    trees = {"tree": f"kind: files, paths: [{place.root / 'tree'}]", "stream": endless}
    place.write(trees, policy="{rpo: 1d}", more="workflow: parallel\n")
    estate = place.root / "estate.yaml"
    estate.write_text(estate.read_text().replace(f"{place.vault}}}", f"{place.vault}, write: {limit}}}"))


def arrived(place: Place) -> int:
    """Bytes in the repositories; what vanishes meanwhile is a lock."""
    files = [path for path in place.vault.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files if path.exists() and path.parent.name != "locks")


def measured(place: Place) -> tuple[float, float]:
    """Bytes a second over ten seconds, and in the worst second of these."""
    began = time.monotonic()
    seen = [(0.0, arrived(place))]
    while seen[-1][0] < MEASURED_S:
        time.sleep(0.1)
        seen.append((time.monotonic() - began, arrived(place)))
    worst = max(more - less for at, less in seen for later, more in seen if at <= later <= at + 1)
    return (seen[-1][1] - seen[0][1]) / seen[-1][0], worst


def _read_anew(said: Path, times: int) -> bool:
    return said.read_text().count("was read anew") >= times


@pytest.mark.long
def test_a_targets_limit_that_is_changed_while_two_jobs_write_holds_for_both_together(place: Place) -> None:
    limited(place, "2MB/s")
    place.begin("tree", "stream")
    said = place.root / "said"
    with said.open("wb") as err, subprocess.Popen([PROGRAM, "serve"], env=place.environ(), stderr=err) as served:
        try:
            until(lambda: arrived(place) > 6_000_000, 60)
            for turn, megabytes in enumerate((2, 1, 3)):
                limited(place, f"{megabytes}MB/s")
                until(partial(_read_anew, said, turn), 20)
                time.sleep(SETTLED_S)
                rate, worst = measured(place)
                assert rate == pytest.approx(megabytes * 1e6, rel=0.05)
                assert worst < 1.25 * megabytes * 1e6
            open_runs = [run for run in place.ask("runs")["runs"] if run["result"] is None]
            assert len(open_runs) == 2
        finally:
            served.send_signal(signal.SIGTERM)
            served.wait(30)
