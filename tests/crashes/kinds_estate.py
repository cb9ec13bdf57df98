"""One estate with a workload of every kind, in the hands of a program that may die at any point."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from acceptance.estates import Answer, Place, leftovers, some_database, some_files
from backstay.catalog.catalog import open_catalog
from backstay.domain.points import RestorePoint
from backstay.domain.runs import Run
from backstay.host.clock import SystemClock
from crashes.deaths import Victim, whole
from nursery import First, nursery
from postgres import PrivatePostgres, private_postgres

KINDS = ("files", "sqlite", "command", "postgresql")
PATIENCE_S = 15.0


@dataclass
class KindsEstate:
    """Workloads are named after their kinds; `server` is there for postgresql."""

    place: Place
    server: PrivatePostgres | None
    names: Sequence[str] = KINDS

    def do(self, *arguments: str, death: Mapping[str, object] | None = None) -> Answer:
        """The program to its end, whatever that is."""
        first = First("crashes.deaths", "await_death", death) if death else None
        return Answer(*nursery().run(arguments, self.place.environ(), first=first))

    def die(self, point: str, *names: str, victim: Victim = "program") -> Answer:
        """`run --all` with a death at this point."""
        chosen = names or self.names
        death = {"point": point, "workloads": chosen, "victim": victim}
        return self.do("run", *(names or ("--all",)), "--json", death=death)

    def open_runs(self) -> list[Run]:
        catalog = open_catalog(f"sqlite:///{self.place.state / 'catalog.db'}", SystemClock())
        try:
            return list(catalog.runs(open_only=True))
        finally:
            catalog.close()

    def points(self, name: str) -> list[RestorePoint]:
        catalog = open_catalog(f"sqlite:///{self.place.state / 'catalog.db'}", SystemClock())
        try:
            return list(catalog.points(name))
        finally:
            catalog.close()

    def stored(self, name: str) -> dict[str, str]:
        """Snapshots by name with the hash of their file, as the repository has them."""
        folder = self.place.repository(name) / "snapshots"
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}

    def at_work(self) -> list[str]:
        """What still runs for this estate: processes of ours, and backends of theirs."""
        running = [line for line in leftovers(self.place) if not line.startswith("/")]
        running += [str(pid) for name in ("restic", "pg_dump") for pid in _touching(name, self.place)]
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        backends = self.server.value(query) if self.server else 0
        return running + ([f"{backends} backends"] if backends else [])

    def wait_until_calm(self) -> None:
        """A dead program's children die with it: nobody has to start anything for that."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self.at_work():
            time.sleep(0.02)

    def troubles(self) -> list[str]:
        """Everything that must not be there when nothing runs."""
        found = self.at_work() + leftovers(self.place)
        found += [f"open run {run.run_id} of {run.workload}" for run in self.open_runs()]
        found += [f"{path.name} in the vault" for path in (self.place.vault / "restic").iterdir()
                  if path.name not in self.names]  # fmt: skip
        for name in self.names:
            found += [f"a lock of {name}" for _ in whole(self.place.repository(name) / "locks")]
            found += _disagreements(name, [point.snapshot for point in self.points(name)], set(self.stored(name)))
        if "sqlite" in self.names:
            found += _locked(self.place.root / "data.db")
        return found


def _locked(path: Path) -> list[str]:
    with closing(sqlite3.connect(path, timeout=0)) as database:
        try:
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            return [f"{path.name}: {error}"]
    return []


def _disagreements(name: str, points: Sequence[str], stored: set[str]) -> list[str]:
    found = [f"{name}: snapshot {each[:8]} looks whole, and no point stands for it" for each in stored - set(points)]
    found += [f"{name}: point without its snapshot {each[:8]}" for each in set(points) - stored]
    return found + ([f"{name}: two points share a snapshot"] if len(points) != len(set(points)) else [])


def _touching(name: str, place: Place) -> list[int]:
    """Programs of this name whose command line names this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() == name and str(place.root) in (process / "cmdline").read_text():
                found.append(int(process.name))
        except OSError:
            continue
    return found


@contextmanager
def kinds_estate(root: Path) -> Iterator[KindsEstate]:
    """All four kinds, nothing taken yet."""
    (root / "vault").mkdir()
    some_files(root / "files")
    some_database(root / "data.db")
    (root / "stream").write_bytes(os.urandom(200_000))
    with private_postgres() as server:
        server.execute(
            "CREATE TABLE t (id int PRIMARY KEY, text text)", "INSERT INTO t SELECT n, n FROM generate_series(1, 500) n"
        )
        place = Place(root)
        place.write(
            {
                "files": f"kind: files, paths: [{root / 'files'}]",
                "sqlite": f"kind: sqlite, path: {root / 'data.db'}",
                "command": f"kind: command, command: [cat, {root / 'stream'}], file_name: stream",
                "postgresql": f'kind: postgresql, dsn: "{server.address}"',
            },
            more="workflow: parallel\n",
        )
        yield KindsEstate(place, server)
