"""A database in use is copied exactly as of one moment, or it is said why not."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from backstay.domain.errors import MachineLacks, SourceFailed, Unavailable
from backstay.domain.estate import SqliteSource, Workload
from backstay.domain.points import Fingerprint
from backstay.domain.runs import Amount
from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.kinds.sqlite import SqliteKind
from backstay.kinds.sqlite.database import failed
from backstay.ports.engine import Paths
from backstay.ports.kind import HoldRequest
from backstay.ports.progress import Silent
from kinds_at_work import as_nobody, fingerprint, judge, workload


@pytest.fixture
def kind(runner: Processes) -> SqliteKind:
    return SqliteKind(runner, SystemClock(), lock_wait_s=0.6)


def database(path: Path, script: str, mode: str = "DELETE") -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode={mode}")
        connection.executescript(script)
    return path


def of(path: Path, *, empty: bool = False) -> Workload:
    return workload(SqliteSource(str(path)), empty=empty)


def refused(kind: SqliteKind, path: Path, place: Path) -> str:
    with pytest.raises(SourceFailed) as caught, kind.hold(HoldRequest(of(path), "run", str(place)), Silent()):
        pass
    assert caught.value.hint
    return caught.value.message


def proven(kind: SqliteKind, path: Path, place: Path) -> Fingerprint:
    """The fingerprint, after the staged copy has been judged as if it had been restored."""
    recorded = fingerprint(kind, of(path), place)
    found = judge(kind, of(path), place, place, recorded)
    assert [one.result for one in found] == ["passed"] * 3, found
    return recorded


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A program that commits as fast as it can, each time a row in both tables."""
    stop, started = Event(), Event()

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO one (text) VALUES (hex(randomblob(400)))")
                connection.execute("INSERT INTO other (text) VALUES (hex(randomblob(400)))")
                connection.execute("COMMIT")
                started.set()

    thread = Thread(target=write)
    thread.start()
    try:
        assert started.wait(20)
        yield
    finally:
        stop.set()
        thread.join()


TWO_TABLES = "CREATE TABLE one (id INTEGER PRIMARY KEY, text); CREATE TABLE other (id INTEGER PRIMARY KEY, text);"


def test_under_a_writer_at_full_speed_every_copy_is_exact(kind: SqliteKind, tmp_path: Path) -> None:
    path = database(tmp_path / "busy.db", TWO_TABLES, "WAL")
    with writing(path):
        seen = []
        for number in range(20):
            place = tmp_path / f"place {number}"
            place.mkdir()
            recorded = proven(kind, path, place)
            with closing(sqlite3.connect(f"file:{place}/busy.db?immutable=1", uri=True)) as copy:
                one, other = (copy.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("one", "other"))
            assert one == other
            assert recorded.facts["rows"] == one + other
            seen.append(one)
    assert len(set(seen)) > 1


def test_a_writer_with_a_rollback_journal_is_copied_too(tmp_path: Path, runner: Processes, place: Path) -> None:
    path = database(tmp_path / "busy.db", TWO_TABLES)
    with writing(path):
        proven(SqliteKind(runner, SystemClock()), path, place)


def test_the_staged_copy_alone_is_the_source(kind: SqliteKind, tmp_path: Path, place: Path) -> None:
    path = database(tmp_path / "a.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)", "WAL")
    os.chmod(path, 0o640)
    os.chown(path, 12, 34)
    with kind.hold(HoldRequest(of(path), "run", str(place)), Silent()) as held:
        assert held.source == Paths(str(place), ("a.db",))
        assert held.amount == Amount(bytes=8192, items=2)
        held.fingerprint(Silent())
        assert os.listdir(place) == ["a.db"]
        seen = (place / "a.db").stat()
        assert (seen.st_mode & 0o777, seen.st_uid, seen.st_gid) == (0o640, 12, 34)


@pytest.mark.parametrize("name", ["with space.db", "what?.db", "a#b.db", "100%.db", "%41.db", "a&mode=rw.db", "ä.db"])
def test_odd_file_names(kind: SqliteKind, tmp_path: Path, place: Path, name: str) -> None:
    folder = tmp_path / "fol?der #1"
    folder.mkdir()
    proven(kind, database(folder / name, "CREATE TABLE t (a); INSERT INTO t VALUES (1)"), place)
    assert os.listdir(folder) == [name]


ODD_SCHEMAS = {
    "full text search": "CREATE VIRTUAL TABLE v USING fts5(words); INSERT INTO v VALUES ('some words')",
    "without rowid": "CREATE TABLE t (k TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO t VALUES ('a', 1)",
    "generated columns": "CREATE TABLE t (a, b AS (a * 2) STORED, c AS (a + 1)); INSERT INTO t VALUES (1)",
    "odd names": 'CREATE TABLE "a ""b"" [c];--" ("x"); INSERT INTO "a ""b"" [c];--" VALUES (1); CREATE TABLE "as" (a)',
    "triggers and views": "CREATE TABLE t (a); CREATE VIEW w AS SELECT a FROM t; "
    "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE a IS NULL; END; INSERT INTO t VALUES (1)",
    "autoincrement": "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t DEFAULT VALUES",
    "partial and expression indexes": "CREATE TABLE t (a, b); CREATE INDEX i ON t (lower(a)) WHERE b;"
    "INSERT INTO t VALUES ('A', 1)",
    "utf-16": "PRAGMA encoding='UTF-16le'; CREATE TABLE t (a); INSERT INTO t VALUES ('ä')",
    "broken references": "CREATE TABLE p (a UNIQUE); CREATE TABLE t (a REFERENCES p (a)); INSERT INTO t VALUES (7)",
    "foreign key to nothing": "CREATE TABLE t (a REFERENCES nobody (x)); INSERT INTO t VALUES (7)",
    "a table dropped and others left": "CREATE TABLE t (a); CREATE TABLE u (a); INSERT INTO t VALUES (1); DROP TABLE u",
}


@pytest.mark.parametrize("schema", ODD_SCHEMAS)
@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_odd_schemas(kind: SqliteKind, tmp_path: Path, place: Path, schema: str, mode: str) -> None:
    proven(kind, database(tmp_path / "a.db", ODD_SCHEMAS[schema], mode), place)


def test_an_index_that_only_its_owner_can_read_is_copied_and_said_to_be_unchecked(
    kind: SqliteKind, tmp_path: Path, place: Path
) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.create_collation("owners", lambda a, b: (a > b) - (a < b))
        connection.executescript(
            "CREATE TABLE t (a TEXT COLLATE owners); CREATE INDEX i ON t (a); INSERT INTO t VALUES ('x')"
        )
    recorded = proven(kind, path, place)
    assert recorded.facts["rows"] == 1
    assert "no such collation" in recorded.facts["unchecked"]


def test_a_missing_file_a_folder_and_something_else_are_told_apart(
    kind: SqliteKind, tmp_path: Path, place: Path
) -> None:
    (tmp_path / "text.db").write_text("this is no database, and long enough to look at" * 30)
    assert refused(kind, tmp_path / "none.db", place) == f"{tmp_path}/none.db does not exist"
    assert refused(kind, tmp_path, place) == f"{tmp_path} is a folder"
    assert refused(kind, tmp_path / "text.db", place) == f"{tmp_path}/text.db is not a SQLite database"


def test_an_empty_file_is_refused_unless_it_may_be_empty(kind: SqliteKind, tmp_path: Path, place: Path) -> None:
    (tmp_path / "a.db").touch()
    assert refused(kind, tmp_path / "a.db", place) == f"{tmp_path}/a.db is an empty file"
    assert fingerprint(kind, of(tmp_path / "a.db", empty=True), place).facts["rows"] == 0


def test_a_database_without_tables_is_refused_unless_it_may_be_empty(
    kind: SqliteKind, tmp_path: Path, place: Path
) -> None:
    path = database(tmp_path / "a.db", "CREATE TABLE t (a); DROP TABLE t")
    assert refused(kind, path, place) == f"{path} has no tables"
    assert fingerprint(kind, of(path, empty=True), place).facts["tables"] == 0


def spoil(path: Path, at: int, content: bytes) -> Path:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)
    return path


BIG = """
CREATE TABLE t (a);
CREATE INDEX i ON t (a);
WITH RECURSIVE n (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 3000)
INSERT INTO t SELECT hex(randomblob(50)) FROM n;
"""


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda path: spoil(path, 18, b"\x09\x09"), "is not a SQLite database"),  # a format of the future
        (lambda path: spoil(path, 0, os.urandom(4096)), "is not a SQLite database"),  # encrypted
        (lambda path: spoil(path, 4096 * 3, b"\xff" * 4096), "is damaged: "),
        (lambda path: os.truncate(path, path.stat().st_size // 2), "malformed"),
    ],
)
def test_a_damaged_source_is_found_before_it_is_copied(
    kind: SqliteKind, tmp_path: Path, place: Path, act: Callable[[Path], object], message: str
) -> None:
    path = database(tmp_path / "a.db", BIG)
    act(path)
    assert message in refused(kind, path, place)


def test_a_locked_database_is_unavailable_after_a_bounded_wait(kind: SqliteKind, tmp_path: Path, place: Path) -> None:
    path = database(tmp_path / "a.db", "CREATE TABLE t (a)")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with (
            pytest.raises(Unavailable, match="is locked by another program, and stayed so"),
            kind.hold(HoldRequest(of(path), "run", str(place)), Silent()),
        ):
            pass
        other.execute("ROLLBACK")
    proven(kind, path, place)


def test_the_source_is_let_go_before_the_copy_is_made(kind: SqliteKind, tmp_path: Path, place: Path) -> None:
    path = database(tmp_path / "a.db", "CREATE TABLE t (a)")
    with (
        kind.hold(HoldRequest(of(path), "run", str(place)), Silent()),
        closing(sqlite3.connect(path, timeout=0)) as other,
    ):
        other.execute("INSERT INTO t VALUES (1)")
        other.commit()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        place = folder / "place"
        place.mkdir()
        os.chown(place, 65534, 65534)
        yield folder


def test_a_log_in_a_folder_that_we_may_not_write_is_read_nevertheless(kind: SqliteKind, open_folder: Path) -> None:
    """As on a mounted snapshot: rows that are only in the write-ahead log, and no shared memory file beside it."""
    path = open_folder / "a.db"
    die_writing(path, "PRAGMA journal_mode=WAL", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2), (3)")
    (open_folder / "a.db-shm").unlink()
    assert (open_folder / "a.db-wal").stat().st_size
    said = as_nobody(lambda: repr(fingerprint(kind, of(path), open_folder / "place").facts["rows"]))
    assert said == "3"
    assert sorted(os.listdir(open_folder)) == ["a.db", "a.db-wal", "place"]
    assert os.listdir(open_folder / "place") == ["a.db"]


def test_a_transaction_broken_off_is_rolled_back_in_the_copy_only(kind: SqliteKind, open_folder: Path) -> None:
    path = database(open_folder / "a.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    die_writing(
        path, "PRAGMA cache_size=1", "BEGIN", "INSERT INTO t SELECT randomblob(9000) FROM t, json_each('[1,2,3,4]')"
    )
    journal = (open_folder / "a.db-journal").read_bytes()
    assert journal
    place = open_folder / "place"
    assert proven(kind, path, place).facts["rows"] == 1
    assert (open_folder / "a.db-journal").read_bytes() == journal


def die_writing(path: Path, *statements: str) -> None:
    """A program that is killed with its work half done."""
    lines = [
        "import os, sqlite3, sys",
        f"c = sqlite3.connect({str(path)!r}, isolation_level=None)",
        *(f"c.execute({one!r})" for one in statements),
        "os._exit(0)",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)


def test_a_file_that_we_may_not_read_is_said_to_be_so(kind: SqliteKind, open_folder: Path) -> None:
    path = database(open_folder / "a.db", "CREATE TABLE t (a)")
    path.chmod(0o600)
    said = as_nobody(lambda: repr(fingerprint(kind, of(path), open_folder / "place")))
    assert said == f"SourceFailed: {path} cannot be read: Permission denied"


def test_a_look_tells_size_and_version(kind: SqliteKind, tmp_path: Path) -> None:
    path = database(tmp_path / "a.db", "CREATE TABLE t (a)")
    seen = kind.look(of(path), Silent())
    assert seen.amount == Amount(bytes=8192)
    assert seen.version == sqlite3.sqlite_version


def test_no_room_for_the_copy_is_not_blamed_on_the_source() -> None:
    with closing(sqlite3.connect(":memory:")) as small:
        small.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as full:
            small.executescript("CREATE TABLE a (x); CREATE TABLE b (x); CREATE TABLE c (x)")
    told = failed("/srv/shop.db", full.value)
    assert isinstance(told, MachineLacks)
    assert told.message == "no space left for the copy of /srv/shop.db"
