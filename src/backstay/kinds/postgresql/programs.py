"""Which of the installed PostgreSQL programs fit a server."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from backstay.domain.errors import EngineFailed, Unavailable
from backstay.ports.progress import Silent
from backstay.ports.runner import Command, Runner

_WHERE_PACKAGES_PUT_THEM = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")


def found(runner: Runner, program: str) -> Mapping[int, str]:
    """The folders that hold `program`, by its major version; one per version."""
    folders = {major: folder for folder in _folders(program) if (major := _major(runner, folder, program)) is not None}
    return dict(sorted(folders.items()))


def dumper(available: Mapping[int, str], major: int) -> tuple[int, str]:
    """pg_dump's version and folder: the server's own if it is there, else the nearest newer; an older one refuses."""
    fitting = [version for version in available if version >= major]
    if not fitting:
        there = ", ".join(map(str, available)) or "none"
        raise EngineFailed(
            f"no pg_dump for PostgreSQL {major} is installed (found: {there})",
            subject="pg_dump",
            hint=f"Install the client programs of version {major} or newer (on Debian: postgresql-client-{major}).",
        )
    return min(fitting), available[min(fitting)]


def server(available: Mapping[int, str], major: int) -> str:
    """The folder with the server programs of exactly this version: only there do the row hashes mean the same."""
    if major not in available:
        raise Unavailable(
            f"no PostgreSQL {major} server is installed here, so its data cannot be judged",
            subject="initdb",
            hint=f"Install it (on Debian: postgresql-{major}); no cluster of it needs to run.",
        )
    return available[major]


def _folders(program: str) -> Iterable[str]:
    on_path = shutil.which(program)
    # Debian's /usr/bin/pg_dump is a script that picks a version by rules of its own; the real ones lie elsewhere.
    if on_path and Path(on_path).resolve().name == program:
        yield str(Path(on_path).resolve().parent)
    for pattern in _WHERE_PACKAGES_PUT_THEM:
        for folder in sorted(Path("/").glob(pattern.lstrip("/"))):
            if os.access(folder / program, os.X_OK):
                yield str(folder)


def _major(runner: Runner, folder: str, program: str) -> int | None:
    done = runner.run(Command((f"{folder}/{program}", "--version")), Silent())
    version = re.search(r"\(PostgreSQL\) (\d+)", done.out)
    return int(version[1]) if version else None
