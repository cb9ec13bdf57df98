"""What is proven under a writer is one moment of the database, told independently of our own judgement.

A program commits numbered pairs, an order and its ledger line, as fast as it can. A restored copy is of one moment if
it holds every pair up to some number and no half of one; of the right moment if that number lies between what was
committed before the backup was asked for and after it had ended; and its fingerprint is of the very same moment if
the rows that it recorded are the rows that come back.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import orders_writer
from acceptance.estates import Place, leftovers
from backstay.catalog.catalog import open_catalog
from backstay.host.clock import SystemClock
from backstay.kinds.postgresql.record import decode
from backstay.kinds.sqlite.record import Record
from postgres import PROGRAMS, PrivatePostgres, private_postgres

COUNTS = "SELECT count(*), max(id), (SELECT count(*) FROM ledger), (SELECT max(line) FROM ledger), "
PAIRS = "(SELECT count(*) FROM orders JOIN ledger ON order_id = id AND line = id AND amount = id) FROM orders"


@dataclass(frozen=True)
class Written:
    """A place whose two databases are being written to, with a server to restore into."""

    place: Place
    server: PrivatePostgres
    writers: tuple[subprocess.Popen[bytes], ...]

    def counted(self) -> dict[str, int]:
        return {name: orders_writer.counted(self.place.root / f"{name}.count") for name in ("shop", "till")}

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The writers write; before and afterwards they are halted wherever they are."""
        self.signal(signal.SIGCONT)
        try:
            yield
        finally:
            self.signal(signal.SIGSTOP)

    def signal(self, number: signal.Signals) -> None:
        for writer in self.writers:
            assert writer.poll() is None, "a writer died"
            writer.send_signal(number)


@pytest.fixture
def written(place: Place) -> Iterator[Written]:
    with private_postgres() as server, ExitStack() as writers:
        server.execute("CREATE DATABASE shop")
        shop, till = server.address_of("shop"), place.root / "till.db"
        place.write({"shop": f"kind: postgresql, dsn: '{shop}'", "till": f"kind: sqlite, path: {till}"})
        to_shop = writers.enter_context(writing("postgresql", shop, place.root / "shop.count"))
        to_till = writers.enter_context(writing("sqlite", str(till), place.root / "till.count"))
        yield Written(place, server, (to_shop, to_till))
    assert leftovers(place) == []


@contextmanager
def writing(kind: str, address: str, counter: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A writer that has begun."""
    counter.write_bytes(bytes(8))
    process = subprocess.Popen([sys.executable, orders_writer.__file__, kind, address, str(counter)])
    try:
        until = time.monotonic() + 60
        while orders_writer.counted(counter) < 10:
            assert time.monotonic() < until, f"the {kind} writer does not write"
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


def prove_moments(written: Written, backups: int) -> None:
    for number in range(backups):
        with written.at_work():
            before = written.counted()
            runs = written.place.ask("run", "--all")["runs"]
            after = written.counted()
        for run in runs:
            name = run["workload"]
            assert after[name] > before[name], f"{name} was not written to during its backup"
            orders = restored(written, run, number)
            # One transaction may have been committed and not yet counted.
            assert before[name] <= orders <= after[name] + 1, (name, number)
            assert recorded(written.place, run) == {"orders": orders, "ledger": orders}, (name, number)
        proven(written.place)


def proven(place: Place) -> None:
    """The newest points, drilled to L6: each level that proof needs was run and passed."""
    drills = place.ask("drill", "--all", "--depth", "L6")["drills"]
    assert [drill["verdict"] for drill in drills] == ["proven", "proven"], drills
    for drill in drills:
        passed = {level["level"] for level in drill["levels"] if level["result"] == "passed"}
        assert {"L0", "L1", "L2", "L3", "L4", "L5", "L6"} <= passed, drill


def restored(written: Written, run: dict[str, Any], number: int) -> int:
    """How many orders come back by stock tools alone, each with its line and none missing before the last."""
    folder = written.place.root / "back"
    out_of_repository(written.place, run, folder)
    if run["workload"] == "till":
        counts = in_sqlite(next(folder.rglob("till.db")))
    else:
        counts = in_postgresql(written.server, next(folder.rglob("*.dump")), f"back{number}")
    shutil.rmtree(folder)
    assert len(set(counts)) == 1, (run["workload"], counts)
    return counts[0]


def out_of_repository(place: Place, run: dict[str, Any], folder: Path) -> None:
    name, repository = run["workload"], place.repository(run["workload"])
    key = place.state / "keys" / "vault" / f"restic-{name}.key"
    command = ["restic", "--no-cache", "--repo", str(repository), "restore", "latest", f"--tag=run:{run['run_id']}"]
    environment = {**os.environ, "RESTIC_PASSWORD_FILE": str(key)}
    subprocess.run([*command, f"--target={folder}"], env=environment, check=True, capture_output=True)


def in_sqlite(path: Path) -> tuple[int, ...]:
    database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return tuple(database.execute(COUNTS + PAIRS).fetchone())
    finally:
        database.close()


def in_postgresql(server: PrivatePostgres, dump: Path, database: str) -> tuple[int, ...]:
    server.execute(f"CREATE DATABASE {database}")
    argv = [f"{PROGRAMS}/pg_restore", "--exit-on-error", f"--dbname={server.address_of(database)}", str(dump)]
    subprocess.run(argv, check=True, capture_output=True)
    with server.connect(database) as connection:
        row = connection.execute((COUNTS + PAIRS).encode()).fetchone()
    server.execute(f"DROP DATABASE {database}")
    assert row is not None
    return tuple(int(str(value)) for value in row)


def recorded(place: Place, run: dict[str, Any]) -> dict[str, int]:
    """The rows of each table in the fingerprint of the run's point."""
    catalog = open_catalog(f"sqlite:///{place.state / 'catalog.db'}", SystemClock())
    try:
        fingerprint = catalog.fingerprint(run["point"])
    finally:
        catalog.close()
    assert fingerprint is not None
    if run["workload"] == "till":
        return Record.unpacked(fingerprint.body).rows
    tables = decode(fingerprint.body).tables
    return {name.rpartition(".")[2].strip('"'): rows.count for name, rows in tables.items()}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_two_backups_of_each_database_under_a_writer_are_of_one_moment(written: Written) -> None:
    prove_moments(written, 2)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_twenty_backups_of_each_database_under_a_writer_are_of_one_moment(written: Written) -> None:
    prove_moments(written, 20)
