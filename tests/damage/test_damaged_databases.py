"""Databases and dumps that load without a complaint and are not what was backed up."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from acceptance.estates import Place, leftovers, some_database
from damage.injecting import (
    Stock,
    another_restic,
    caught,
    damaged_and_not_counted,
    drilled,
    failed_levels,
    proven_and_counted,
)
from postgres import PROGRAMS, PrivatePostgres, private_postgres


@pytest.fixture
def ledger(place: Place) -> Place:
    """A database and the output of a command, each with one proven point."""
    database = some_database(place.root / "ledger.db", 300)
    export = "kind: command, command: [sh, -c, 'seq 1 5000'], file_name: export.txt"
    place.write({"ledger": f"kind: sqlite, path: {database}", "export": export})
    place.ask("run", "--all")
    assert [drill["verdict"] for drill in place.ask("drill", "--all")["drills"]] == ["proven", "proven"]
    return place


@pytest.mark.long
def test_sqlite_files_and_outputs_that_are_sound_and_not_ours_fail(ledger: Place) -> None:
    with another_restic(ledger, ": > ledger.db"):
        caught(drilled(ledger, "ledger"), "L4", "ledger.db is empty", also="L5")
    dropped = "import sqlite3; sqlite3.connect('ledger.db').execute('DROP INDEX entry_by_text')"
    with another_restic(ledger, f'python3 -c "{dropped}"'):
        caught(drilled(ledger, "ledger"), "L4", "entry_by_text", also="L5")
    proven_and_counted(ledger, "ledger")
    stock = Stock(ledger)
    _store_fewer_rows(stock, ledger.root / "reworked")
    caught(drilled(ledger, "ledger"), "L5", "entry has 200 rows; 300 were there", also="L6")
    damaged_and_not_counted(ledger, "ledger")
    proven_and_counted(ledger, "export")
    _store_less_output(stock, ledger.root / "reworked")
    failed = failed_levels(drilled(ledger, "export"))
    assert set(failed) == {"L4", "L5", "L6"}
    assert failed["L4"] == "export.txt has 18,893 bytes; 23,893 were written"
    damaged_and_not_counted(ledger, "export")


def _store_fewer_rows(stock: Stock, folder: Path) -> None:
    (snapshot,) = stock.snapshots("ledger")
    stock.restored("ledger", snapshot, folder)
    with closing(sqlite3.connect(folder / "ledger.db")) as database, database:
        database.execute("DELETE FROM entry WHERE id > 200")
    stock.imitate("ledger", snapshot, folder)


def _store_less_output(stock: Stock, folder: Path) -> None:
    (snapshot,) = stock.snapshots("export")
    stock.restored("export", snapshot, folder)
    (folder / "export.txt").write_text("".join(f"{number}\n" for number in range(1, 4001)))
    stock.imitate("export", snapshot, folder)


@pytest.fixture
def server() -> Iterator[PrivatePostgres]:
    with private_postgres() as running:
        running.execute("CREATE ROLE clerk LOGIN", "CREATE DATABASE shop")
        orders = "CREATE TABLE orders (id int PRIMARY KEY, item text); ALTER TABLE orders OWNER TO clerk"
        rows = "INSERT INTO orders SELECT n, 'item ' || n FROM generate_series(1, 3000) n"
        running.execute(orders, rows, "CREATE INDEX orders_by_item ON orders (item)", database="shop")
        yield running


@pytest.fixture
def shop(place: Place, server: PrivatePostgres) -> Place:
    """A PostgreSQL database with one proven point."""
    place.write({"shop": f"kind: postgresql, dsn: '{server.address_of('shop')}'"})
    place.ask("run", "shop")
    proven_and_counted(place, "shop")
    return place


@pytest.mark.long
def test_a_lost_role_a_dropped_index_and_fewer_rows_are_named(shop: Place, server: PrivatePostgres) -> None:
    with another_restic(shop, "sed -i /clerk/d globals.sql"):
        drill = drilled(shop, "shop")
    assert drill["verdict"] == "failed"
    assert any('role "clerk" does not exist' in finding["message"] for finding in drill["findings"]), drill
    other = _dump_without_the_index(shop.root, server)
    with another_restic(shop, f"rm -r shop.dump; cp -a {other} shop.dump"):
        caught(drilled(shop, "shop"), "L4", "orders_by_item is missing")
    _store_fewer_orders(Stock(shop), shop.root / "reworked")
    caught(drilled(shop, "shop"), "L5", "orders has 1,700 rows; 3,000 were there", also="L6")
    damaged_and_not_counted(shop, "shop")
    assert not leftovers(shop)


def _store_fewer_orders(stock: Stock, folder: Path) -> None:
    (snapshot,) = stock.snapshots("shop")
    stock.restored("shop", snapshot, folder)
    (data,) = [path for path in (folder / "shop.dump").glob("*.dat") if b"item 2999" in path.read_bytes()]
    rows = data.read_text().splitlines(keepends=True)
    data.write_text("".join(row for row in rows if not row[0].isdigit() or int(row.split("\t")[0]) <= 1700))
    stock.imitate("shop", snapshot, folder)


def _dump_without_the_index(root: Path, server: PrivatePostgres) -> Path:
    server.execute("DROP INDEX orders_by_item", database="shop")
    folder = root / "other.dump"
    address = server.address_of("shop")
    subprocess.run([PROGRAMS / "pg_dump", "-Fd", "-Z0", "-f", str(folder), address], check=True)
    return folder
