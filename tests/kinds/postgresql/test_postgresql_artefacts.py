"""Broken artefacts: every one is caught, at the level that its nature allows, and named."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from backstay.domain.drills import LevelResult
from backstay.ports.progress import Silent
from kinds.postgresql.bench import Backup, Bench, bench, workload
from postgres import PrivatePostgres


@pytest.fixture(scope="module")
def backup(server: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    server.execute("CREATE DATABASE shop", "CREATE ROLE clerk", "CREATE ROLE auditor")
    server.execute(
        "CREATE TABLE orders (id serial PRIMARY KEY, customer int, note text)",
        "ALTER TABLE orders OWNER TO clerk",
        "INSERT INTO orders (customer, note) SELECT i % 97, 'order number ' || i FROM generate_series(1, 5000) i",
        "CREATE INDEX orders_customer ON orders (customer)",
        database="shop",
    )
    with bench() as house:
        return house.back_up(workload(server.address_of("shop")), tmp_path_factory.mktemp("shop") / "whole")


def data_file(backup: Backup) -> Path:
    """The biggest file of the dump: the rows of public.orders."""
    return max(backup.dump.glob("*.dat"), key=lambda path: path.stat().st_size)


def judged(house: Bench, backup: Backup) -> LevelResult:
    """The first level from L3 to L5 that did not pass, or L5 if all did."""
    with house.raised(backup) as (raised, _):
        if raised.started.result != "passed":
            assert raised.structure(Silent()).result == raised.data(Silent()).result == "skipped"
            return raised.started
        structure = raised.structure(Silent())
        return structure if structure.result != "passed" else raised.data(Silent())


def half_the_rows(backup: Backup) -> None:
    lines = data_file(backup).read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(b"\\.") and line.strip()]
    data_file(backup).write_bytes(b"".join(kept[: len(kept) // 2]) + b"\\.\n\n\n")


def one_digit(backup: Backup) -> None:
    text = data_file(backup).read_bytes()
    data_file(backup).write_bytes(text.replace(b"order number 4321", b"order number 4322"))


def cut_at_a_row(backup: Backup) -> None:
    text = data_file(backup).read_bytes()
    data_file(backup).write_bytes(text[: text.index(b"\n", len(text) // 2) + 1])


def cut_in_a_row(backup: Backup) -> None:
    text = data_file(backup).read_bytes()
    data_file(backup).write_bytes(text[: text.index(b"\t", len(text) // 2)])


def flip_in_a_number(backup: Backup) -> None:
    text = bytearray(data_file(backup).read_bytes())
    text[0] ^= 0x80
    data_file(backup).write_bytes(text)


def flip_in_a_text(backup: Backup) -> None:
    text = bytearray(data_file(backup).read_bytes())
    text[text.index(b"number 3000")] ^= 0x01
    data_file(backup).write_bytes(text)


def delete(backup: Backup) -> None:
    data_file(backup).unlink()


def empty(backup: Backup) -> None:
    data_file(backup).write_bytes(b"")


def cut_contents(backup: Backup) -> None:
    text = (backup.dump / "toc.dat").read_bytes()
    (backup.dump / "toc.dat").write_bytes(text[: len(text) // 2])


def empty_contents(backup: Backup) -> None:
    (backup.dump / "toc.dat").write_bytes(b"")


def no_dump(backup: Backup) -> None:
    backup.dump.rename(backup.folder / "lost")


def no_globals(backup: Backup) -> None:
    (backup.folder / "globals.sql").unlink()


def without_role(role: str) -> Callable[[Backup], None]:
    def lose(backup: Backup) -> None:
        path = backup.folder / "globals.sql"
        path.write_text(re.sub(rf"^.*\b{role}\b.*$", "", path.read_text(), flags=re.MULTILINE))

    return lose


def half_a_statement(backup: Backup) -> None:
    path = backup.folder / "globals.sql"
    path.write_text(path.read_text().replace("CREATE ROLE auditor;", "CREATE ROLE auditor; x;"))


def another_name(backup: Backup) -> None:
    backup.dump.rename(backup.folder / "store.dump")


BROKEN = [
    (half_the_rows, "L5", "public.orders has 2,500 rows; 5,000 were there when it was backed up"),
    (one_digit, "L5", "public.orders has 5,000 rows, as many as when it was backed up, but with other content"),
    (cut_at_a_row, "L5", "5,000 were there when it was backed up"),
    (empty, "L5", "public.orders has 0 rows; 5,000 were there"),
    (flip_in_a_text, "L5", "public.orders has 5,000 rows, as many"),
    (cut_in_a_row, "L3", "pg_restore: error: COPY failed for table"),
    (flip_in_a_number, "L3", "pg_restore: error: COPY failed for table"),
    (delete, "L3", "pg_restore: error: could not open input file"),
    (cut_contents, "L3", "table of contents cannot be read"),
    (empty_contents, "L3", "table of contents cannot be read"),
    (no_dump, "L3", "should hold globals.sql and one dump"),
    (no_globals, "L3", "should hold globals.sql and one dump"),
    (without_role("clerk"), "L3", 'role "clerk" does not exist'),
    (without_role("auditor"), "L4", "role auditor is missing"),
    (half_a_statement, "L3", "globals.sql: psql:<stdin>"),
    (another_name, "L3", "the dump is of store; what was backed up is shop"),
]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(("break_it", "level", "told"), BROKEN)
def test_a_broken_artefact_is_caught_and_named(
    house: Bench, backup: Backup, tmp_path: Path, break_it: Callable[[Backup], None], level: str, told: str
) -> None:
    broken = backup.copied(tmp_path / "broken")
    break_it(broken)
    found = judged(house, broken)
    assert (found.level, found.result) == (level, "failed"), found
    assert told in found.detail


def test_a_whole_artefact_raises_no_alarm(house: Bench, backup: Backup) -> None:
    found = judged(house, backup)
    assert (found.level, found.result) == ("L5", "passed"), found


def test_a_valid_dump_of_an_earlier_moment_is_not_this_backup(
    house: Bench, server: PrivatePostgres, tmp_path: Path
) -> None:
    server.execute("CREATE DATABASE twice")
    server.execute("CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)", database="twice")
    earlier = house.back_up(server.address_of("twice"), tmp_path / "earlier")
    server.execute("CREATE INDEX t_a ON t (a)", "UPDATE t SET a = 2", database="twice")
    later = house.back_up(server.address_of("twice"), tmp_path / "later")
    with house.raised(earlier, later.fingerprint) as (raised, _):
        assert "index public.t_a is missing" in raised.structure(Silent()).detail
        assert "public.t has 1 rows, as many" in raised.data(Silent()).detail


def test_nothing_to_compare_with_is_never_a_pass(house: Bench, backup: Backup) -> None:
    with house.raised(Backup(backup.workload, backup.folder, None)) as (raised, _):
        assert raised.started.result == "passed"
        assert raised.structure(Silent()).result == "skipped"
        assert raised.data(Silent()).result == "skipped"
