"""Whole estates on disk, used through the command line as a person or a script would."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backstay.domain.estate import Target
from backstay.host.keys import RepositoryKeys
from backstay.host.secrets import HostSecrets
from backstay.host.state import open_state
from made_repositories import make_repository
from nursery import can_stand_for, nursery

PROGRAM = str(Path(sys.executable).with_name("backstay"))


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


@dataclass
class Place:
    """One estate in one folder: its file, its state, its vault and its sources."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def vault(self) -> Path:
        return self.root / "vault"

    def repository(self, workload: str) -> Path:
        return self.vault / "restic" / workload

    def write(self, workloads: Mapping[str, str], *, policy: str = "{rpo: 1h}", more: str = "") -> None:
        """The estate file: workloads by name, each the inside of a YAML flow mapping without its policy."""
        lines = [f"  {name}: {{{inside}, policy: p}}" for name, inside in workloads.items()]
        text = f"estate: test\ntargets:\n  vault: {{url: {self.vault}}}\npolicies:\n  p: {policy}\n{more}workloads:\n"
        (self.root / "estate.yaml").write_text(text + "\n".join(lines) + "\n")

    def begin(self, *workloads: str) -> None:
        """Where a test is not about beginnings: their repositories are there, empty, with keys that we made."""
        keys = RepositoryKeys(open_state(str(self.state)), HostSecrets())
        for name in workloads:
            key = keys.password_for(Target("vault", str(self.vault)), "restic", name)
            make_repository(self.repository(name), key.reveal())

    def environ(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BACKSTAY")}
        mine = {"BACKSTAY_ESTATE": str(self.root / "estate.yaml"), "BACKSTAY_STATE": str(self.state)}
        return {**clean, **mine, **self.environment}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command in the background."""
        return subprocess.Popen(
            [PROGRAM, *arguments], env=self.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def do(self, *arguments: str, timeout: float = 150) -> Answer:
        """A command to its end."""
        environ = self.environ()
        if can_stand_for(environ):
            return Answer(*nursery().run(arguments, environ, timeout=timeout))
        command = [PROGRAM, *arguments]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=timeout, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)

    def ask(self, *arguments: str) -> dict[str, Any]:
        """The document of a command that must end well."""
        answer = self.do(*arguments, "--json")
        assert answer.status == 0, answer
        return answer.document

    def points(self, workload: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("points", workload)["points"]
        return found

    def restic(self, workload: str, *arguments: str, cwd: Path | None = None) -> str:
        """Stock restic on a repository, with the key that `keys list` names."""
        (key,) = [each for each in self.ask("keys", "list")["keys"] if each["repository"] == workload]
        environment = {**os.environ, "RESTIC_PASSWORD_FILE": key["key"], "RESTIC_REPOSITORY": key["address"]}
        command = ["restic", "--no-cache", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=cwd)
        assert done.returncode == 0, done
        return done.stdout


def some_files(folder: Path, count: int = 5) -> Path:
    """A folder with so many small text files."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"file-{number}.txt").write_text(f"content {number}\n" * 50)
    return folder


def some_database(path: Path, rows: int = 500) -> Path:
    """An SQLite file with one table and one index."""
    database = sqlite3.connect(path)
    with database:
        database.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, text TEXT)")
        database.execute("CREATE INDEX entry_by_text ON entry (text)")
        database.executemany("INSERT INTO entry (text) VALUES (?)", ((f"text {n}",) for n in range(rows)))
    database.close()
    return path


def leftovers(place: Place) -> list[str]:
    """Processes that carry this state folder's mark, and throwaway folders; what should never be there afterwards."""
    mark = f"BACKSTAY_STATE={place.state.resolve()}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (
                mark in (process / "environ").read_bytes().split(b"\0")
                and b"BACKSTAY_OWNER" in (process / "environ").read_bytes()
            ):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    places = place.state / "places"
    work = place.state / "work"
    found += [str(path) for path in (places.iterdir() if places.exists() else ())]
    found += [str(path) for path in work.glob("*/*")]
    return found


def clear(place: Place) -> None:
    shutil.rmtree(place.root, ignore_errors=True)
