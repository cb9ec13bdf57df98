"""Hands for trying an engine: sources with every sort of file, damage, and a close look at what came back."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Literal

from backstay.domain.secrets import Secret
from backstay.ports.clock import Clock
from backstay.ports.engine import SEAL_FILE, Engine, Paths, Repository
from backstay.ports.store import Store


@dataclass(frozen=True, slots=True)
class Throwaway:
    """The `EngineHarness` for a repository whose store is a folder of this machine, of which nothing need be spared."""

    engine: Engine
    repository: Repository
    elsewhere: Store
    clock: Clock
    place: str
    _numbers: Iterator[int] = field(default_factory=count)

    def now(self) -> datetime:
        return self.clock.now()

    def elapsed(self) -> float:
        return self.clock.elapsed()

    def source(self) -> Paths:
        tree, staged = Path(self.place, "source"), Path(self.place, "staged")
        if not tree.exists():
            _plant(tree)
            staged.mkdir()
            (staged / SEAL_FILE).write_text("{}")
        return Paths(str(staged), (str(tree), SEAL_FILE))

    def partly_unreadable(self) -> tuple[Paths, str]:
        # Root may read every file; but nobody can read the first page of a process's memory.
        path = f"/proc/{os.getpid()}/mem"
        source = self.source()
        return replace(source, paths=(*source.paths, path)), path

    def folder(self) -> str:
        folder = Path(self.place, f"folder-{next(self._numbers)}")
        folder.mkdir()
        return str(folder)

    def occupied_folder(self) -> str:
        folder = self.folder()
        Path(folder, "precious").write_text("somebody's")
        return folder

    def differences(self, source: Paths, folder: str) -> Sequence[str]:
        top = next(path for path in source.paths if path.startswith("/"))
        return _differences(Path(top), Path(folder, top.lstrip("/")))

    def holds_seal(self, folder: str) -> bool:
        return Path(folder, SEAL_FILE).exists()

    def content(self, folder: str, name: str) -> bytes:
        return Path(folder, name).read_bytes()

    def damage(self, piece: str, how: Literal["flip", "cut", "remove"]) -> None:
        path = Path(self.repository.store.location, piece)
        content = bytearray(path.read_bytes())
        path.unlink()
        if how == "flip":
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
        elif how == "cut":
            path.write_bytes(content[: len(content) // 2])

    def with_password(self, password: str) -> Repository:
        return replace(self.repository, password=Secret(password))

    def gone(self) -> Repository:
        return replace(self.repository, store=self.elsewhere)

    def command_lines(self) -> str:
        return "\n".join(_command_lines())


def _plant(tree: Path) -> None:
    """Every sort of file that a restore can get wrong, old enough to show when a time was not restored."""
    closed = tree / "closed folder"
    closed.mkdir(parents=True)
    (tree / "noise.bin").write_bytes(random.randbytes(300_000))
    (tree / "empty").touch()
    (tree / "größe; $(name)").write_text("odd names\n")
    (tree / "run.sh").write_text("#!/bin/sh\n")
    (tree / "run.sh").chmod(0o755)
    (closed / "first name").write_text("one file, two names\n")
    (closed / "second name").hardlink_to(closed / "first name")
    (tree / "link").symlink_to("closed folder/first name")
    (tree / "dangling").symlink_to("/nowhere/at/all")
    closed.chmod(0o750)
    for number, path in enumerate((tree / "noise.bin", tree / "empty", closed / "first name", closed, tree)):
        moment = (1_600_000_000 + number) * 10**9 + 123_456_789
        os.utime(path, ns=(moment, moment))


def _differences(before: Path, after: Path) -> list[str]:
    names = {path.relative_to(before) for path in before.rglob("*")}
    came = {path.relative_to(after) for path in after.rglob("*")}
    odd = [f"{name} came from nowhere" for name in came - names] + [f"{name} is missing" for name in names - came]
    return odd + [told for name in sorted(names & came) for told in _difference(name, before / name, after / name)]


def _difference(name: Path, before: Path, after: Path) -> Iterator[str]:
    was, now = before.lstat(), after.lstat()
    if was.st_mode != now.st_mode:
        yield f"{name} has mode {now.st_mode:o} instead of {was.st_mode:o}"
    elif stat.S_ISLNK(was.st_mode) and os.readlink(before) != os.readlink(after):
        yield f"{name} points elsewhere"
    elif stat.S_ISREG(was.st_mode) and before.read_bytes() != after.read_bytes():
        yield f"{name} has other content"
    if was.st_mtime_ns != now.st_mtime_ns and not stat.S_ISLNK(was.st_mode):
        yield f"{name} has another time"
    if not stat.S_ISDIR(was.st_mode) and was.st_nlink != now.st_nlink:
        yield f"{name} has {now.st_nlink} names instead of {was.st_nlink}"


def _command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
