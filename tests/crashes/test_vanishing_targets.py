"""A target whose disk goes in the middle of a copy, so that what is written would lie beneath its mount."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from crashes.slow_estate import SlowEstate, answer_of, until


def with_a_point(slow: SlowEstate) -> None:
    """It has one, and its producer begins anew."""
    slow.let_it_end()
    slow.place.ask("run", "slow")
    (slow.place.root / "enough").unlink()
    (slow.place.root / "producer").unlink()


def without_its_disk(slow: SlowEstate) -> Path:
    """The mount point alone, and in it what engines and gateways make there; where the disk is now."""
    vault, disk = slow.place.vault, slow.place.root / "disk"
    vault.rename(disk)
    for folder in ("data/00", "snapshots"):
        (vault / "restic/slow" / folder).mkdir(parents=True)
    (vault / "restic/slow/data/00" / ("0" * 64)).write_bytes(b"stray")
    return disk


def mounted_again(slow: SlowEstate, disk: Path) -> None:
    shutil.rmtree(slow.place.vault)
    disk.rename(slow.place.vault)


def said(process: subprocess.Popen[str], words: str) -> str:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            return line
    raise AssertionError((lines, process.communicate()[0]))


@pytest.mark.parametrize("before", [pytest.param(0, marks=pytest.mark.long), 1])
def test_a_disk_that_goes_is_waited_for_and_its_point_is_on_it(slow: SlowEstate, before: int) -> None:
    if before:
        with_a_point(slow)
    running = slow.start("run", "slow", "--json")
    slow.producing()
    disk = without_its_disk(slow)
    assert "next try" in said(running, "another folder than before")
    said(running, "next try")  # it is not taken for a new repository, nor for a damaged one
    mounted_again(slow, disk)
    slow.let_it_end()
    answer = answer_of(running)
    (run,) = answer.document["runs"]
    assert (answer.status, run["result"]) == (0, "done"), answer
    assert len(slow.points("slow")) == before + 1
    assert slow.troubles() == []


def test_a_disk_that_stays_away_fails_the_run_and_leaves_no_point(slow: SlowEstate) -> None:
    with_a_point(slow)
    running = slow.start("run", "slow", "--json")
    slow.producing()
    disk = without_its_disk(slow)
    slow.let_it_end()
    said(running, "another folder than before")
    said(running, "none of those that were stored there")
    running.terminate()
    answer_of(running)
    mounted_again(slow, disk)
    until(lambda: slow.run_of("slow")["state"] != "running", "it has ended")
    assert len(slow.points("slow")) == 1
    again = slow.place.ask("run", "slow")["runs"][0]
    assert again["result"] == "done", again
    assert slow.troubles() == []
