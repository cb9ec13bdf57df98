"""One of each kind of object: it comes back clean, and whatever is lost of it is named."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from backstay.ports.kind import Raised
from backstay.ports.progress import Silent
from kinds.postgresql.bench import bench, workload
from postgres import PROGRAMS, PrivatePostgres

ZOO = Path(__file__).with_name("zoo.sql")


@pytest.fixture(scope="module")
def zoo(server: PrivatePostgres) -> PrivatePostgres:
    fill(server)
    return server


def fill(server: PrivatePostgres) -> None:
    server.execute("CREATE DATABASE zoo")
    psql = [str(PROGRAMS / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(ZOO), server.address_of("zoo")]
    subprocess.run(psql, check=True)


@pytest.fixture(scope="module")
def restored(zoo: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Raised, str]]:
    with bench() as house:
        backup = house.back_up(workload(zoo.address_of("zoo")), tmp_path_factory.mktemp("zoo") / "b")
        with house.raised(backup) as (raised, place):
            _run(place, "postgres", "CREATE DATABASE whole TEMPLATE zoo")
            yield raised, place


def test_a_database_with_one_of_each_comes_back_without_a_false_alarm(restored: tuple[Raised, str]) -> None:
    raised, _ = restored
    assert raised.started.result == "passed", raised.started
    assert raised.structure(Silent()).result == "passed", raised.structure(Silent())
    data = raised.data(Silent())
    assert data.result == "passed", data
    assert "3 large objects equal to the record" in data.detail
    assert "public.totals (materialized view)" in data.detail
    assert "public.unlogged (unlogged table)" in data.detail


MADE_WHOLE = (
    "DROP DATABASE zoo",
    "CREATE DATABASE zoo TEMPLATE whole",
    "ALTER DATABASE zoo SET default_transaction_read_only = off",
    "ALTER DATABASE zoo SET work_mem = '5MB'",
    "ALTER ROLE zoo_reader IN DATABASE zoo SET work_mem = '6MB'",
    "GRANT CONNECT ON DATABASE zoo TO zoo_reader",
    "COMMENT ON DATABASE zoo IS 'one of each'",
    "ALTER ROLE zoo_owner NOSUPERUSER",
    'GRANT zoo_reader TO "odd role; --" WITH ADMIN OPTION',
)
"""What brings the restored database back after a loss; a template has everything but what is said of the database."""


def _run(place: str, database: str, *statements: str) -> None:
    with psycopg.connect(host=place, user="postgres", dbname=database, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextmanager
def _damaged(restored: tuple[Raised, str], loss: str) -> Iterator[Raised]:
    raised, place = restored
    try:
        _run(place, "zoo", loss)
        yield raised
    finally:
        _run(place, "postgres", *MADE_WHOLE)


LOST_STRUCTURE = [
    ("DROP INDEX orders_customer_idx", "index public.orders_customer_idx is missing"),
    ("REVOKE INSERT ON orders FROM zoo_reader", "privileges on table public.orders is not as it was when backed up"),
    ("DROP POLICY own_only ON secrets", "policy public.secrets own_only is missing"),
    ("ALTER TABLE secrets DISABLE ROW LEVEL SECURITY", "row security public.secrets is missing"),
    ("DROP TRIGGER orders_audit ON orders", "trigger public.orders orders_audit is missing"),
    ("ALTER TABLE orders DISABLE TRIGGER orders_audit", "trigger public.orders orders_audit is not as it was"),
    ("ALTER TABLE orders ENABLE TRIGGER orders_sleeping", "trigger public.orders orders_sleeping is not as it was"),
    ("ALTER TABLE orders ALTER amount DROP DEFAULT", "table public.orders is not as it was"),
    ("COMMENT ON COLUMN customers.name IS NULL", "comment on column public.customers.name is missing"),
    ("COMMENT ON LARGE OBJECT 4711 IS NULL", "owners, privileges and comments of large objects is not as it was"),
    ("DROP EXTENSION btree_gist CASCADE", "extension btree_gist is missing"),
    ("ALTER TABLE orders DROP CONSTRAINT orders_customer_fkey", "orders orders_customer_fkey is missing"),
    ("ALTER TABLE customers DROP CONSTRAINT customers_kind_check", "table public.customers is not as it was"),
    ("ALTER TABLE empty OWNER TO zoo_reader", "table public.empty is not as it was"),
    ("ALTER ROLE zoo_owner SUPERUSER", "role zoo_owner is not as it was"),
    ("REVOKE zoo_reader FROM \"odd role; --\"", "membership of odd role; -- in zoo_reader is missing"),
    ("ALTER DATABASE zoo RESET work_mem", "database properties zoo is not as it was"),
    ("CREATE TABLE intruder ()", "table public.intruder was not there when it was backed up"),
    ("SELECT setval('orders_id_seq', 1)", "sequence public.orders_id_seq stands at 1; it stood at 2,000"),
    ("SELECT setval('counter', -7)", "sequence public.counter stands at -7; it stood at -12"),
    ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_pkey'::regclass", "orders_pkey is invalid"),
    ("ALTER VIEW gold RENAME TO silver", "view public.gold is missing"),
    ("DROP EVENT TRIGGER watch_ddl", "event trigger watch_ddl is missing"),
]  # fmt: skip

LOST_DATA = [
    ("UPDATE orders SET amount = amount + 1 WHERE id = 7", "public.orders has 2,000 rows, as many as when"),
    ("DELETE FROM orders WHERE id > 1500", "public.orders has 1,500 rows; 2,000 were there when it was backed up"),
    ("UPDATE values_of_all_types SET n = 1.000 WHERE n = 1.00", "values_of_all_types has 5 rows, as many"),
    ("UPDATE values_of_all_types SET f = '0' WHERE f = 0", "values_of_all_types has 5 rows, as many"),
    ("UPDATE values_of_all_types SET e = 'ok' WHERE e = 'happy'", "values_of_all_types has 5 rows, as many"),
    ("UPDATE values_of_all_types SET ci = 'mixed' WHERE ci = 'mixed'", "values_of_all_types has 5 rows, as many"),
    ("UPDATE values_of_all_types SET i = '1 mon' WHERE i = '30 days'", "values_of_all_types has 5 rows, as many"),
    ("UPDATE values_of_all_types SET ai = '{1,2}' WHERE ai[0] = 1", "values_of_all_types has 5 rows, as many"),
    ("UPDATE audit.wide SET c200 = 0 WHERE c1 = 9", "audit.wide has 50 rows, as many"),
    ("INSERT INTO empty VALUES (1)", "public.empty has 1 rows; 0 were there"),
    ("INSERT INTO no_columns DEFAULT VALUES", "public.no_columns has 2 rows; 1 were there"),
    ("INSERT INTO without_key VALUES ('twice')", "public.without_key has 4 rows; 3 were there"),
    ("UPDATE parts_eu_old SET id = -1 WHERE id = 3", "public.parts_eu_old has"),
    ("UPDATE child SET own = 4", "public.child has 1 rows, as many"),
    ("SELECT lo_put(4711, 5, '\\x01')", "large objects has 3 objects, as many"),
    ("SELECT lo_unlink(4712)", "large objects has 2 objects; 3 were there"),
    ("DROP TABLE dropped", "public.dropped is missing"),
    ('UPDATE "odd ""table"".name; --" SET t = 5 WHERE t = 1', 'public."odd ""table"".name; --" has 2 rows, as many'),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "told"), LOST_STRUCTURE)
def test_what_is_lost_of_the_structure_is_named(restored: tuple[Raised, str], loss: str, told: str) -> None:
    with _damaged(restored, loss) as raised:
        judged = raised.structure(Silent())
    assert (judged.level, judged.result) == ("L4", "failed"), judged
    assert told in judged.detail


@pytest.mark.parametrize(("loss", "told"), LOST_DATA)
def test_what_is_lost_of_the_data_is_named(restored: tuple[Raised, str], loss: str, told: str) -> None:
    with _damaged(restored, loss) as raised:
        judged = raised.data(Silent())
    assert (judged.level, judged.result) == ("L5", "failed"), judged
    assert told in judged.detail


def test_after_all_these_losses_the_database_made_whole_raises_no_alarm(restored: tuple[Raised, str]) -> None:
    raised, _ = restored
    assert raised.structure(Silent()).result == "passed", raised.structure(Silent())
    assert raised.data(Silent()).result == "passed", raised.data(Silent())
