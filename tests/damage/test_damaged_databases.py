"""Databases and dumps that load without a complaint and are not what was backed up."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from acceptance.estates import Place, leftovers, some_database
from damage.injecting import Stock, another_restic, caught, damaged_and_not_counted, drilled, proven_and_counted
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


def test_fewer_rows_in_a_sound_sqlite_file_fail_at_L5_and_the_other_snapshot_at_L6(ledger: Place) -> None:
    stock = Stock(ledger)
    (snapshot,) = stock.snapshots("ledger")
    folder = stock.restored("ledger", snapshot, ledger.root / "reworked")
    with closing(sqlite3.connect(folder / "ledger.db")) as database, database:
        database.execute("DELETE FROM entry WHERE id > 200")
    stock.imitate("ledger", snapshot, folder)
    drill = drilled(ledger, "ledger")
    caught(drill, "L5", "entry", "200", "300", also="L6")
    damaged_and_not_counted(ledger, "ledger")
    proven_and_counted(ledger, "export")


def test_a_shorter_output_of_a_command_fails_at_L5_and_the_other_snapshot_at_L6(ledger: Place) -> None:
    stock = Stock(ledger)
    (snapshot,) = stock.snapshots("export")
    folder = stock.restored("export", snapshot, ledger.root / "reworked")
    (folder / "export.txt").write_text("".join(f"{number}\n" for number in range(1, 4001)))
    stock.imitate("export", snapshot, folder)
    caught(drilled(ledger, "export"), "L5", "export.txt", also="L6")
    damaged_and_not_counted(ledger, "export")


def test_an_emptied_sqlite_file_and_a_dropped_index_are_no_proof(ledger: Place) -> None:
    with another_restic(ledger, ": > ledger.db"):
        caught(drilled(ledger, "ledger"), "L4", "ledger.db is empty", also="L5")
    dropped = "import sqlite3; sqlite3.connect('ledger.db').execute('DROP INDEX entry_by_text')"
    with another_restic(ledger, f'python3 -c "{dropped}"'):
        caught(drilled(ledger, "ledger"), "L4", "entry_by_text", also="L5")
    proven_and_counted(ledger, "ledger")


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


def test_a_dump_of_a_table_that_is_shorter_and_valid_fails_at_L5_and_L6(shop: Place) -> None:
    stock = Stock(shop)
    (snapshot,) = stock.snapshots("shop")
    folder = stock.restored("shop", snapshot, shop.root / "reworked")
    (data,) = [path for path in (folder / "shop.dump").glob("*.dat") if b"item 2999" in path.read_bytes()]
    rows = data.read_text().splitlines(keepends=True)
    data.write_text("".join(row for row in rows if not row[0].isdigit() or int(row.split("\t")[0]) <= 1700))
    stock.imitate("shop", snapshot, folder)
    caught(drilled(shop, "shop"), "L5", "orders has 1,700 rows; 3,000 were there", also="L6")
    damaged_and_not_counted(shop, "shop")
    assert not leftovers(shop)


def test_a_dropped_index_and_a_lost_role_are_named(shop: Place, server: PrivatePostgres) -> None:
    other = _dump_without_the_index(shop.root, server)
    with another_restic(shop, f"rm -r shop.dump; cp -a {other} shop.dump"):
        caught(drilled(shop, "shop"), "L4", "orders_by_item is missing")
    with another_restic(shop, "sed -i /clerk/d globals.sql"):
        drill = drilled(shop, "shop")
    assert drill["verdict"] == "failed"
    assert any('role "clerk" does not exist' in finding["message"] for finding in drill["findings"]), drill
    damaged_and_not_counted(shop, "shop")


def _dump_without_the_index(root: Path, server: PrivatePostgres) -> Path:
    server.execute("DROP INDEX orders_by_item", database="shop")
    folder = root / "other.dump"
    address = server.address_of("shop")
    subprocess.run([PROGRAMS / "pg_dump", "-Fd", "-Z0", "-f", str(folder), address], check=True)
    return folder
