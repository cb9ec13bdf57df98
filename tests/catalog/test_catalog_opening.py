from __future__ import annotations

import stat
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from backstay.catalog import schema
from backstay.catalog.address import read_address
from backstay.catalog.catalog import open_catalog
from backstay.catalog.connection import connect, writer
from backstay.catalog.tables import metadata
from backstay.domain.errors import CatalogError, ConfigError
from backstay.domain.secrets import Secret
from backstay.ports.catalog_samples import a_run
from catalog.conftest import Start
from catalog.still_clock import StillClock
from postgres import PrivatePostgres, private_postgres

OPEN = """
import sys
from catalog.still_clock import StillClock
from backstay.catalog.catalog import open_catalog
open_catalog(sys.argv[1], StillClock()).close()
print(sorted({"alembic", "psycopg", "filelock"} & set(sys.modules)))
"""


def test_migrations_from_nothing_make_the_declared_tables(address: str) -> None:
    open_catalog(address, StillClock()).close()
    engine = connect(read_address(address))
    with engine.connect() as db:
        options = {"compare_type": True, "version_table": "schema_version"}
        differences = compare_metadata(MigrationContext.configure(db, opts=options), metadata)
        assert (differences, schema.version(db)) == ([], schema.HEAD)
    engine.dispose()


def test_the_head_that_the_program_names_is_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_opening_a_catalog_that_is_up_to_date_is_quick(new_sqlite: Callable[[], str], start: Start) -> None:
    first, _ = start("-c", OPEN, new_sqlite()).communicate()
    second, _ = start("-c", OPEN, new_sqlite()).communicate()
    assert (first, second) == ("['alembic', 'filelock']\n", "[]\n")


def test_records_are_there_when_a_catalog_is_opened_again(address: str) -> None:
    for _ in range(2):
        catalog = open_catalog(address, StillClock())
        catalog.add_run(a_run(1))
        assert catalog.runs() == [a_run(1)]
        catalog.close()


def test_many_processes_may_open_a_new_catalog_at_once(address: str, start: Start) -> None:
    children = [start("-m", "catalog.writer", address, prefix, 1) for prefix in "abcd"]
    assert sorted(child.communicate()[0] for child in children) == ["a-0\n", "b-0\n", "c-0\n", "d-0\n"]


def test_a_newer_schema_is_refused_with_words(address: str) -> None:
    open_catalog(address, StillClock()).close()
    engine = connect(read_address(address))
    with engine.begin() as db:
        db.execute(text("UPDATE schema_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(CatalogError, match="has schema 9999") as raised:
        open_catalog(address, StillClock())
    assert "newer version of backstay" in str(raised.value.hint)


def test_only_its_owner_can_read_a_catalog_file(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    path.touch(0o644)
    catalog = open_catalog(f"sqlite:///{path}", StillClock())
    catalog.add_run(a_run(1))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    catalog.close()
    assert modes == dict.fromkeys(("catalog.db", "catalog.db-wal", "catalog.db-shm", "catalog.db.lock"), 0o600)


def test_the_path_may_have_any_characters(tmp_path: Path) -> None:
    folder = tmp_path / "a b?c#d%20&é"
    folder.mkdir()
    open_catalog(f"sqlite:///{folder}/catalog.db", StillClock()).close()
    assert (folder / "catalog.db").stat().st_size > 0


@pytest.mark.parametrize(
    "address",
    ["sqlite:///", "mysql://root:horse@host/x", "catalog.db", "postgresql://u:horse@[x/d"],
)
def test_an_address_that_names_no_database_is_a_config_error_without_it(address: str) -> None:
    with pytest.raises(ConfigError, match="address") as raised:
        open_catalog(Secret(address), StillClock())
    assert "horse" not in "".join(traceback.format_exception(raised.value))


def test_a_missing_folder_is_a_catalog_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=f"{tmp_path}/gone/catalog.db cannot be used: no such file") as raised:
        open_catalog(f"sqlite:///{tmp_path}/gone/catalog.db", StillClock())
    assert "state folder exists" in str(raised.value.hint)


def test_a_server_that_is_not_there_is_a_catalog_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"postgresql://ann@.*/records cannot be used") as raised:
        open_catalog(f"postgresql://ann@/records?host={tmp_path}", StillClock())
    assert "server runs" in str(raised.value.hint)


def test_a_missing_database_is_a_catalog_error_with_a_hint(server: PrivatePostgres) -> None:
    with pytest.raises(CatalogError, match='database "nowhere" does not exist') as raised:
        open_catalog(server.address_of("nowhere"), StillClock())
    assert "this user and password" in str(raised.value.hint)


def test_a_refused_login_never_shows_the_password() -> None:
    with private_postgres(password="right horse") as server:
        open_catalog(Secret(server.full_address), StillClock()).close()
        wrong = server.address_of("postgres", password="wrong horse")
        with pytest.raises(CatalogError, match="password authentication failed") as raised:
            open_catalog(Secret(wrong), StillClock())
    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value.details())
    assert "horse" not in shown


def test_a_migration_that_is_broken_off_leaves_nothing(address: str) -> None:
    engine = connect(read_address(address))
    with writer(engine).connect() as db:
        transaction = db.begin()
        schema.upgrade(db)
        assert schema.version(db) == schema.HEAD
        transaction.rollback()
        assert inspect(db).get_table_names() == []
    engine.dispose()
