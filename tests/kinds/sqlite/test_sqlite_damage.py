"""Damage to a restored database is caught by its level and named; a healthy one raises nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from backstay.domain.drills import LevelResult
from backstay.domain.estate import Question, SqliteSource, Workload
from backstay.domain.points import Fingerprint
from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.kinds.sqlite import SqliteKind
from backstay.ports.engine import SEAL_FILE
from backstay.ports.kind import RaiseRequest
from backstay.ports.progress import Silent
from kinds_at_work import fingerprint, judge, workload

SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer REFERENCES customers, total);
CREATE INDEX orders_by_customer ON orders (customer);
CREATE VIEW big_orders AS SELECT * FROM orders WHERE total > 100;
CREATE TRIGGER no_free_orders BEFORE INSERT ON orders WHEN new.total = 0 BEGIN SELECT raise(ABORT, 'free'); END;
PRAGMA user_version = 7;
WITH RECURSIVE n (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 500)
INSERT INTO customers SELECT x, 'customer ' || x FROM n;
INSERT INTO orders (customer, total) SELECT id, id + 1 FROM customers;
"""


@pytest.fixture
def kind(runner: Processes) -> SqliteKind:
    return SqliteKind(runner, SystemClock())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(SHOP)
    return path


@pytest.fixture
def protected(source: Path) -> Workload:
    return workload(SqliteSource(str(source)))


@pytest.fixture
def restored(tmp_path: Path) -> Path:
    folder = tmp_path / "restored"
    folder.mkdir()
    (folder / SEAL_FILE).write_text("{}")
    return folder


@pytest.fixture
def recorded(kind: SqliteKind, protected: Workload, place: Path, restored: Path) -> Fingerprint:
    return fingerprint(kind, protected, place, meanwhile=lambda: shutil.copy(place / "shop.db", restored))


def levels(kind: SqliteKind, protected: Workload, restored: Path, recorded: Fingerprint) -> dict[str, LevelResult]:
    return {one.level: one for one in judge(kind, protected, restored, restored, recorded)}


def sql(*statements: str) -> Callable[[Path], None]:
    """Done by another program, which leaves nothing beside the file."""

    def act(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
            for statement in statements:
                connection.execute(statement)

    return act


def flip_byte_of_a_value(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content.replace(b"customer 250", b"customer 251", 1))


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def test_a_healthy_restore_raises_nothing(
    kind: SqliteKind, protected: Workload, restored: Path, recorded: Fingerprint
) -> None:
    found = levels(kind, protected, restored, recorded)
    assert [one.result for one in found.values()] == ["passed"] * 3, found
    assert found["L5"].detail == "shop.db is the recorded file, byte for byte: 1,000 rows"
    assert sorted(os.listdir(restored)) == [SEAL_FILE, "shop.db"]


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "file missing": (Path.unlink, "L3", "shop.db is not among what was restored"),
    "no database": (lambda p: p.write_text("rubbish " * 999), "L3", "shop.db cannot be read: file is not a database"),
    "half a file": (half, "L3", "malformed"),
    "page of zeros": (
        lambda p: p.write_bytes(p.read_bytes()[:4096] + bytes(4096) + p.read_bytes()[8192:]),
        "L3",
        "shop.db",
    ),
    "emptied": (lambda p: p.write_bytes(b""), "L4", "shop.db is empty"),
    "index dropped": (sql("DROP INDEX orders_by_customer"), "L4", "index orders_by_customer is missing"),
    "table dropped": (sql("DROP TABLE customers"), "L4", "table customers is missing"),
    "trigger dropped": (sql("DROP TRIGGER no_free_orders"), "L4", "trigger no_free_orders is missing"),
    "view replaced": (
        sql("DROP VIEW big_orders", "CREATE VIEW big_orders AS SELECT 1"),
        "L4",
        "view big_orders is defined in another way",
    ),
    "column added": (sql("ALTER TABLE orders ADD COLUMN x"), "L4", "table orders is defined in another way"),
    "table added": (sql("CREATE TABLE extra (a)"), "L4", "table extra was not there"),
    "version": (sql("PRAGMA user_version = 8"), "L4", "user_version is 8; it was 7"),
    "rows refer to nothing": (
        sql("DELETE FROM customers WHERE id < 4"),
        "L4",
        "3 rows refer to rows that are not there; 0 did",
    ),
    "a log from elsewhere": (
        lambda p: p.with_name("shop.db-wal").write_bytes(b"x"),
        "L4",
        "shop.db-wal was not backed up",
    ),
    "rows lost": (sql("DELETE FROM orders WHERE id > 400"), "L5", "orders has 400 rows; 500 were there"),
    "one value changed": (flip_byte_of_a_value, "L5", "shop.db has other bytes than recorded, though every table has"),
    "value updated": (sql("UPDATE orders SET total = 5 WHERE id = 5"), "L5", "other bytes than recorded"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_caught_by_its_level_and_named(
    kind: SqliteKind, protected: Workload, restored: Path, recorded: Fingerprint, damage: str
) -> None:
    act, level, sentence = DAMAGE[damage]
    act(restored / "shop.db")
    found = levels(kind, protected, restored, recorded)
    assert found[level].result == "failed", found
    assert sentence in found[level].detail
    assert damage == "a log from elsewhere" or found["L5"].result == "failed"


def test_a_plain_copy_without_its_log_is_found_out(
    kind: SqliteKind, protected: Workload, source: Path, place: Path, restored: Path
) -> None:
    """What `cp` makes of a database in use: sound to SQLite, and rows are missing."""
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("INSERT INTO orders (customer, total) VALUES (1, 3)")
        shutil.copy(source, restored)
        recorded = fingerprint(kind, protected, place)
    found = levels(kind, protected, restored, recorded)
    assert (found["L3"].result, found["L4"].result) == ("passed", "passed")
    assert found["L5"].detail == "orders has 500 rows; 501 were there"


def test_without_a_fingerprint_nothing_is_judged_but_an_empty_file(
    kind: SqliteKind, protected: Workload, restored: Path, recorded: Fingerprint
) -> None:
    found = judge(kind, protected, restored, restored, None)
    assert [one.result for one in found] == ["passed", "skipped", "skipped"]
    (restored / "shop.db").write_bytes(b"")
    assert [one.result for one in judge(kind, protected, restored, restored, None)] == ["passed", "failed", "failed"]


@pytest.mark.parametrize(
    ("question", "result", "words"),
    [
        (Question("count", query="SELECT count(*) FROM orders", expect="500"), "passed", "count: the answer is 500"),
        (Question("count", query="SELECT count(*) FROM orders", expect="7"), "failed", "is 500; 7 was expected"),
        (Question("none", query="SELECT 1 WHERE 0", expect="1"), "failed", "the answer is nothing"),
        (Question("wrong", query="SELEC 1", expect="1"), "failed", "the query failed: near"),
        (Question("write", query="DELETE FROM orders", expect="1"), "failed", "attempt to write a readonly database"),
        (Question("there", command=("test", "-s", "shop.db")), "passed", "there: test ended well"),
    ],
)
def test_questions(
    kind: SqliteKind,
    protected: Workload,
    restored: Path,
    recorded: Fingerprint,
    question: Question,
    result: str,
    words: str,
) -> None:
    with kind.raise_elsewhere(RaiseRequest(protected, str(restored), str(restored), recorded), Silent()) as raised:
        answer = raised.ask(question, Silent())
    assert (answer.level, answer.result) == ("L7", result)
    assert words in answer.detail


def test_the_runbook_puts_the_file_in_its_place(
    kind: SqliteKind, protected: Workload, source: Path, restored: Path, recorded: Fingerprint
) -> None:
    content = (restored / "shop.db").read_bytes()
    source.write_bytes(b"lost")
    source.with_name("shop.db-wal").write_bytes(b"old log")
    for line in kind.runbook(protected, str(restored)):
        assert os.system(f"{line} >/dev/null") == 0
    assert source.read_bytes() == content
    assert not source.with_name("shop.db-wal").exists()


def test_a_database_that_was_renamed_since_is_still_whole(
    kind: SqliteKind, protected: Workload, restored: Path, recorded: Fingerprint
) -> None:
    renamed = replace(protected, source=SqliteSource("/srv/another name.db"))
    assert [one.result for one in judge(kind, renamed, restored, restored, recorded)] == ["passed"] * 3
