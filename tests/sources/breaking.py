"""Runs over sources and targets that somebody broke, and what must never come of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from acceptance.estates import Place

Runs = dict[str, dict[str, Any]]

GOOD = "good"
"""The neighbour that nobody broke."""


def run(place: Place, *arguments: str, status: int) -> Runs:
    """Runs by workload; the command ended with `status`, and nobody saw a traceback."""
    answer = place.do("run", *(arguments or ("--all",)), "--json")
    assert "Traceback" not in answer.err
    assert answer.status == status, answer
    return {each["workload"]: each for each in answer.document["runs"]}


def failed(run: dict[str, Any], code: str, *words: str) -> None:
    """The run left no point; its error has this code, names what is wrong, and its hint says what to do."""
    assert (run["result"], run["point"]) == ("failed", None), run
    error = run["error"]
    assert error["code"] == code, error
    for word in words:
        assert word in error["message"], error
    assert error["hint"].strip(), error


def done(runs: Runs) -> None:
    assert {name: each["result"] for name, each in runs.items()} == dict.fromkeys(runs, "done"), runs


def kept(place: Place) -> dict[str, tuple[str, str]]:
    """Every restore point with its workload and state."""
    return {each["point"]: (each["workload"], each["state"]) for each in place.ask("points")["points"]}


def snapshots(place: Place) -> set[Path]:
    return set(place.vault.glob("restic/*/snapshots/*"))


def standing(place: Place) -> dict[str, dict[str, Any]]:
    return {each["workload"]: each for each in place.ask("status")["workloads"]}


def nothing_half_made(place: Place, workload: str) -> None:
    """There is no repository, or a whole one without a snapshot; and none beside it."""
    repository = place.repository(workload)
    whole = {"config", "data", "index", "keys", "locks", "snapshots"}
    assert not repository.exists() or {path.name for path in repository.iterdir()} in (set(), whole)
    assert not list(repository.glob("snapshots/*"))
    assert not list(repository.parent.glob(f"{workload}.*"))


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A file system of its own at `folder`; the block may unmount it."""
    folder.mkdir(exist_ok=True)
    _mount(folder, f"size={megabytes}m")
    try:
        yield
    finally:
        if os.path.ismount(folder):
            unmount(folder)


def unmount(folder: Path) -> None:
    subprocess.run(["umount", str(folder)], check=True)


def remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)


def _mount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
