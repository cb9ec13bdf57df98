"""Raising, asking, loading by hand: what else can be done with restored artefacts."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from backstay.domain.errors import EngineFailed, Refused, Unavailable
from backstay.domain.estate import Question
from backstay.kinds.postgresql.programs import dumper
from backstay.kinds.postgresql.programs import server as server_programs
from backstay.ports.kind import RaiseRequest
from backstay.ports.progress import Silent
from kinds.postgresql.bench import Backup, Bench, bench, workload
from postgres import PROGRAMS, PrivatePostgres, private_postgres


@pytest.fixture(scope="module")
def backup(server: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    server.execute("ALTER ROLE postgres PASSWORD 'of the source'")
    server.execute("CREATE DATABASE shop", "CREATE ROLE clerk", "ALTER DATABASE shop SET work_mem = '7MB'")
    server.execute("GRANT CONNECT ON DATABASE shop TO clerk", "COMMENT ON DATABASE shop IS 'sells'")
    server.execute(
        "CREATE EXTENSION hstore",
        "CREATE TABLE orders (id serial PRIMARY KEY, paid bool DEFAULT true, note text)",
        "ALTER TABLE orders OWNER TO clerk",
        "INSERT INTO orders (note) SELECT 'n' || i FROM generate_series(1, 10) i",
        database="shop",
    )
    with bench() as house:
        return house.back_up(workload(server.address_of("shop")), tmp_path_factory.mktemp("shop") / "b")


QUESTIONS = [
    ("SELECT count(*) FROM orders", "10", "passed", "10"),
    ("SELECT count(*) FROM orders", "11", "failed", "the answer is 10; expected was 11"),
    ("SELECT bool_and(paid) FROM orders", "true", "passed", "true"),
    ("SELECT bool_and(paid) FROM orders", "t", "passed", "true"),
    ("SELECT max(note) FROM orders", None, "passed", "n9"),
    ("SELECT false", None, "failed", "expected was any value but null and false"),
    ("SELECT note FROM orders WHERE false", None, "failed", "0 rows of 1 columns"),
    ("SELECT NULL", None, "failed", "the answer is null"),
    ("SELECT id, note FROM orders", "1", "failed", "10 rows of 2 columns"),
    ("SELECT 1 / 0", None, "failed", "division by zero"),
    ("DELETE FROM orders RETURNING id", None, "failed", "read-only transaction"),
    ("-- nothing", None, "failed", "no rows at all"),
]


def test_the_users_own_questions_are_answered(house: Bench, backup: Backup) -> None:
    with house.raised(backup) as (raised, _):
        for query, expect, result, told in QUESTIONS:
            answer = raised.ask(Question("q", query=query, expect=expect), Silent())
            assert (answer.level, answer.result) == ("L7", result), answer
            assert told in answer.detail


def test_a_raised_server_has_no_network_and_only_we_reach_its_socket(house: Bench, backup: Backup) -> None:
    with house.raised(backup) as (raised, place):
        assert raised.started.result == "passed"
        assert Path(place).stat().st_mode & 0o777 == 0o700
        pid = int((Path(place) / "d" / "postmaster.pid").read_text().splitlines()[0])
        links = (Path(f"/proc/{pid}/net/dev")).read_text().splitlines()[2:]
        assert [line.split(":")[0].strip() for line in links] == ["lo"]
        assert len(Path(f"/proc/{pid}/net/tcp").read_text().splitlines()) == 1


def test_a_locale_that_is_not_installed_is_stood_in_for_and_said_so(house: Bench, backup: Backup) -> None:
    assert backup.fingerprint
    elsewhere = replace(backup.fingerprint, facts={**backup.fingerprint.facts, "collate": "xx_YY.UTF-8"})
    with house.raised(backup, elsewhere) as (raised, _):
        assert "locale xx_YY.UTF-8 is not installed here" in raised.started.detail
        assert raised.structure(Silent()).result == "passed", raised.structure(Silent())
        assert raised.data(Silent()).result == "passed"


def test_an_extension_that_this_machine_lacks_is_no_fault_of_the_backup(
    house: Bench, backup: Backup, tmp_path: Path
) -> None:
    other = backup.copied(tmp_path / "b")
    contents = other.dump / "toc.dat"
    contents.write_bytes(contents.read_bytes().replace(b"hstore", b"hstorx"))
    with pytest.raises(Unavailable, match="this machine lacks extension hstorx"), house.raised(other):
        pass


def test_an_unsuitable_place_is_replaced_by_a_suitable_one(house: Bench, backup: Backup, tmp_path: Path) -> None:
    place = tmp_path / ("long" * 20)
    place.mkdir()
    request = RaiseRequest(backup.workload, str(backup.folder), str(place), backup.fingerprint)
    with house.kind.raise_elsewhere(request, Silent()) as raised:
        assert raised.started.result == "passed"
    assert list(place.iterdir()) == []


def test_loading_into_an_empty_database_brings_everything(house: Bench, backup: Backup) -> None:
    with private_postgres(password="secret word") as other:
        other.execute("CREATE DATABASE fresh")
        house.kind.load(
            backup.workload, str(backup.folder), other.address_of("fresh", password="secret word"), Silent()
        )
        assert other.value("SELECT count(*) FROM orders", "fresh") == 10
        assert other.value("SELECT rolpassword LIKE 'SCRAM%' FROM pg_authid WHERE rolname = 'postgres'", "fresh")
        assert other.value("SELECT tableowner FROM pg_tables WHERE tablename = 'orders'", "fresh") == "clerk"


def test_loading_over_somebodys_tables_is_refused(house: Bench, backup: Backup, server: PrivatePostgres) -> None:
    with pytest.raises(Refused, match="is not empty"):
        house.kind.load(backup.workload, str(backup.folder), server.address_of("shop"), Silent())
    assert server.value("SELECT count(*) FROM orders", "shop") == 10


def test_the_runbooks_own_lines_bring_the_database_back(house: Bench, backup: Backup) -> None:
    with private_postgres() as other:
        environment = {"PATH": f"{PROGRAMS}:/usr/bin:/bin", "PGHOST": str(other.sockets), "PGUSER": "postgres"}
        for line in house.kind.runbook(backup.workload, str(backup.folder)):
            subprocess.run(["sh", "-c", line], env=environment, check=True, capture_output=True)
        assert other.value("SELECT count(*) FROM orders", "shop") == 10


def test_pg_dump_is_the_servers_own_or_the_nearest_newer() -> None:
    assert dumper({14: "/14", 15: "/15", 17: "/17"}, 15) == (15, "/15")
    assert dumper({14: "/14", 17: "/17", 18: "/18"}, 15) == (17, "/17")
    with pytest.raises(EngineFailed, match=r"no pg_dump for PostgreSQL 15 is installed \(found: 14\)"):
        dumper({14: "/14"}, 15)


def test_data_is_judged_by_a_server_of_the_same_version_or_not_at_all() -> None:
    assert server_programs({15: "/15"}, 15) == "/15"
    with pytest.raises(Unavailable, match="no PostgreSQL 14 server") as caught:
        server_programs({15: "/15", 17: "/17"}, 14)
    assert "postgresql-14" in str(caught.value.hint)
