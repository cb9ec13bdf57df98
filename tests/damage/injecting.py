"""Damage as an outsider would do it: file operations on the vault, stock restic, or another program in its place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from acceptance.estates import Place

Damage = Callable[[Path], None]

LONGEST_DRILL_S = 20.0
"""restic 0.14 alone tries a missing piece again for 44 seconds."""

WRAPPER = """#!/bin/sh
case " $* " in *" restore "*) ;; *) exec {restic} "$@" ;; esac
for word; do case "$word" in --target=*) into="${{word#--target=}}" ;; esac; done
{instead}
{restic} "$@" || exit
cd "$into" || exit
{afterwards}
exit 0
"""


def pieces(place: Place, workload: str, under: str) -> list[Path]:
    """The stored files of one sort, largest first."""
    found = [path for path in (place.repository(workload) / under).rglob("*") if path.is_file()]
    return sorted(found, key=lambda path: path.stat().st_size, reverse=True)


def flip(path: Path) -> None:
    """One byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    rewrite(path, bytes(content))


def cut(path: Path) -> None:
    rewrite(path, path.read_bytes()[:-20])


def delete(path: Path) -> None:
    path.unlink()


def rewrite(path: Path, content: bytes) -> None:
    """restic's files are read-only and may be shared by hard links: a new one takes the place."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


@contextmanager
def damaged(path: Path, how: Callable[[Path], None]) -> Iterator[None]:
    """Damage one file, and put it back as it was."""
    before = path.read_bytes()
    how(path)
    try:
        yield
    finally:
        rewrite(path, before)


@contextmanager
def another_restic(place: Place, afterwards: str = ":", instead: str = ":") -> Iterator[None]:
    """A program called restic, first on PATH, that does these shell lines around a restore and ends with status 0."""
    folder = place.root / "bin"
    folder.mkdir()
    program = folder / "restic"
    program.write_text(WRAPPER.format(restic=shutil.which("restic"), afterwards=afterwards, instead=instead))
    program.chmod(0o755)
    place.environment["PATH"] = f"{folder}:{os.environ['PATH']}"
    try:
        yield
    finally:
        del place.environment["PATH"]
        shutil.rmtree(folder)


class Stock:
    """Stock restic, with the addresses and keys that `keys list` names."""

    def __init__(self, place: Place) -> None:
        self._keys = {each["repository"]: each for each in place.ask("keys", "list")["keys"]}

    def restic(self, workload: str, *arguments: str, cwd: Path | None = None) -> str:
        key = self._keys[workload]
        environment = {**os.environ, "RESTIC_PASSWORD_FILE": key["key"], "RESTIC_REPOSITORY": key["address"]}
        command = ["restic", "--no-cache", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=cwd)
        assert done.returncode == 0, done
        return done.stdout

    def snapshots(self, workload: str) -> list[dict[str, Any]]:
        """Oldest first."""
        found: list[dict[str, Any]] = json.loads(self.restic(workload, "snapshots", "--json"))
        return found

    def restored(self, workload: str, snapshot: dict[str, Any], into: Path) -> Path:
        self.restic(workload, "restore", snapshot["id"], "--target", str(into))
        return into

    def imitate(self, workload: str, snapshot: dict[str, Any], folder: Path) -> None:
        """What lies in a folder takes the place of a snapshot: the same marks, the same time, another content."""
        marks = [f"--tag={tag}" for tag in snapshot["tags"]]
        when = snapshot["time"][:19].replace("T", " ")
        names = sorted(path.name for path in folder.iterdir())
        self.restic(
            workload, "backup", "--host", workload, "--time", when, "--ignore-inode", *marks, *names, cwd=folder
        )
        self.restic(workload, "forget", snapshot["id"])
        shutil.rmtree(folder)


@contextmanager
def seconds() -> Iterator[Callable[[], float]]:
    """How long the block took."""
    began, ended = time.monotonic(), list[float]()
    yield lambda: ended[0]
    ended.append(time.monotonic() - began)


def drilled(place: Place, workload: str, *options: str) -> dict[str, Any]:
    """One drill's record, whatever its verdict; it must be quick."""
    with seconds() as spent:
        answer = place.do("drill", workload, *options, "--json")
    assert spent() < LONGEST_DRILL_S, answer
    assert "Traceback" not in answer.err
    (drill,) = answer.document["drills"]
    assert answer.status == (0 if drill["verdict"] in ("proven", "restored") else 1), answer
    found: dict[str, Any] = drill
    return found


def failed_levels(drill: dict[str, Any]) -> dict[str, str]:
    return {level["level"]: level["detail"] for level in drill["levels"] if level["result"] == "failed"}


def caught(drill: dict[str, Any], level: str, *words: str, also: str | None = None) -> None:
    """The drill failed at this level (and at no other but `also`), and its findings say what is wrong."""
    failed = failed_levels(drill)
    assert drill["verdict"] == "failed", drill
    assert set(failed) == {level, *([also] if also else [])}, failed
    for word in words:
        assert word in failed[level], failed
    assert [finding["message"] for finding in drill["findings"]] == list(failed.values())
    assert all(finding["hint"] for finding in drill["findings"])


def damaged_and_not_counted(place: Place, workload: str) -> None:
    """The only point of a workload is damaged, so the workload counts as one that was never backed up."""
    assert [point["state"] for point in place.points(workload)] == ["damaged"]
    (stands,) = place.ask("status", workload)["workloads"]
    assert (stands["state"], stands["as_of"], stands["point"]) == ("never", None, None)
    assert "drill-failed" in [finding["code"] for finding in stands["findings"]]


def proven_and_counted(place: Place, workload: str) -> None:
    """A drill proves the newest point, and `status` counts it."""
    drill = drilled(place, workload)
    assert drill["verdict"] == "proven", drill
    (stands,) = place.ask("status", workload)["workloads"]
    assert stands["state"] == "ok"
    assert stands["point"] == drill["point"]
