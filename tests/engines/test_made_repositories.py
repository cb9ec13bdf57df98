"""What tests are given as an empty repository is what restic makes, but for the work of guessing its key."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

from made_repositories import make_repository


def restic(folder: Path, password: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RESTIC_PASSWORD": password, "RESTIC_REPOSITORY": str(folder)}
    command = ["restic", "--no-cache", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def modes(folder: Path) -> dict[str, str]:
    """What lies there; the name of a key is another in each repository."""
    found = {str(path.relative_to(folder)): stat.filemode(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    return {"keys/it" if name.startswith("keys/") else name: mode for name, mode in found.items()}


def key_of(folder: Path) -> Mapping[str, object]:
    (path,) = (folder / "keys").iterdir()
    key: Mapping[str, object] = json.loads(path.read_bytes())
    return key


def test_it_has_the_files_and_modes_of_one_that_restic_made(tmp_path: Path) -> None:
    make_repository(tmp_path / "ours", "one")
    assert restic(tmp_path / "theirs", "one", "init").returncode == 0
    assert modes(tmp_path / "ours") == modes(tmp_path / "theirs")
    ours, theirs = key_of(tmp_path / "ours"), key_of(tmp_path / "theirs")
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if name in ("kdf", "r", "username", "hostname") and ours[name] != theirs[name]} == {
        "r"
    }


def test_it_opens_with_its_password_and_no_other_and_is_sound(tmp_path: Path) -> None:
    for name, password in (("a", "one"), ("b", "two")):
        make_repository(tmp_path / name, password)
        assert restic(tmp_path / name, password, "check", "--read-data").returncode == 0
    assert "wrong password" in restic(tmp_path / "a", "two", "cat", "config").stderr
    assert list((tmp_path / "a" / "locks").iterdir()) == []
