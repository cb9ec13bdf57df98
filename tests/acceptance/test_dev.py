"""`./dev`, the front door for people who build it: what it says, where it works, and what it asks for."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

DEV = Path(__file__).parents[2] / "dev"
ALWAYS_THERE = ("bash", "sh", "readlink", "dirname", "id", "tr", "cat", "cksum", "ls", "python3", "env")


def dev(*arguments: str, cwd: Path, path: str | None = None, script: Path = DEV) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path or os.environ["PATH"]}
    command = [shutil.which("bash") or "bash", str(script), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """A PATH that has bash and python3, and none of the tools."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ALWAYS_THERE:
        (folder / name).symlink_to(shutil.which(name) or name)
    return str(folder)


def test_alone_it_lists_what_it_can_do(tmp_path: Path) -> None:
    done = dev(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"./dev {verb}" in done.stdout for verb in ("setup", "demo", "test", "check", "bench", "backstay"))


def test_a_verb_that_there_is_not_is_answered_with_the_list(tmp_path: Path) -> None:
    done = dev("nonsense", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no ./dev nonsense" in done.stderr
    assert "./dev setup" in done.stderr


@pytest.mark.parametrize("apt", [True, False])
def test_who_may_not_install_is_told_the_one_line_to_run(tmp_path: Path, bare: str, apt: bool) -> None:
    (Path(bare) / "id").unlink()
    _program(bare, "id", "echo 1000")
    if apt:
        _program(bare, "apt-get", "exit 99")
    done = dev("setup", cwd=tmp_path, path=bare)
    assert done.returncode == 1
    assert "restic" in done.stderr
    assert ("run:  sudo apt-get install" in done.stderr) is apt


def test_what_is_missing_is_installed_and_nothing_else(tmp_path: Path, bare: str) -> None:
    (Path(bare) / "id").unlink()
    _program(bare, "id", "echo 0")
    _program(bare, "sqlite3", "exit 0")
    _program(bare, "apt-get", f'echo "$@" >>{tmp_path}/asked; [ "$1" = update ]')
    _program(bare, "mkdir", "exit 0")
    _program(bare, "tee", "cat >/dev/null")
    done = dev("setup", cwd=tmp_path, path=bare)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert done.returncode != 0, "what could not be installed stops it"
    assert asked[0].startswith("update")
    assert "restic" in asked[1].split()
    assert "sqlite3" not in asked[1].split()


def _program(folder: str, name: str, body: str) -> None:
    path = Path(folder) / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_the_lock_file_names_versions_and_nothing_of_a_machine() -> None:
    lines = (DEV.parent / "requirements.lock").read_text().splitlines()
    assert all(line.count("==") == 1 and "/" not in line and "@" not in line for line in lines)
    assert not [line for line in lines if line.startswith(("setuptools", "pip=", "wheel", "backstay"))]
