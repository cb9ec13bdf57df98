"""Sources that refuse, die, or are odd; and accounts that may only do so much."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from backstay.domain.errors import BackstayError, Cancelled, ConfigError, SourceFailed, Unavailable
from backstay.domain.secrets import SecretRef
from backstay.ports.progress import Silent
from kinds.postgresql.bench import Backup, Bench, workload
from postgres import PrivatePostgres, private_postgres

CANARY = "canary p@ss/word'\\"


def told(error: BaseException) -> str:
    """Everything that a log could say of an error."""
    hint = error.hint if isinstance(error, BackstayError) else ""
    return "".join(traceback.format_exception(error)) + repr(error) + str(hint)


def proven(house: Bench, backup: Backup) -> None:
    with house.raised(backup) as (raised, _):
        for level in (raised.started, raised.structure(Silent()), raised.data(Silent())):
            assert level.result == "passed", level


@pytest.fixture(scope="module")
def guarded() -> Iterator[PrivatePostgres]:
    with private_postgres(password=CANARY) as server:
        server.execute("CREATE DATABASE app")
        server.execute("CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 50000) i", database="app")
        yield server


def test_a_refused_login_is_unavailable_and_tells_no_password(
    house: Bench, guarded: PrivatePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSN", guarded.address_of("app", password="canary-wrong"))
    with pytest.raises(Unavailable) as caught:
        house.kind.look(workload(SecretRef("env", "DSN")), Silent())
    assert "password authentication failed" in told(caught.value)
    assert "canary" not in told(caught.value)


@pytest.mark.parametrize("address", ["password='{}' host='x", "postgresql://u:{} x@h/d"])
def test_an_address_that_cannot_be_read_tells_no_password(
    house: Bench, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("DSN", address.format("canary"))
    with pytest.raises(ConfigError) as caught:
        house.kind.look(workload(SecretRef("env", "DSN")), Silent())
    assert "canary" not in told(caught.value)


def test_a_server_that_is_not_there_is_unavailable(house: Bench, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="did not answer"):
        house.kind.look(workload(f"postgresql:///app?host={tmp_path}"), Silent())


def test_a_database_that_is_not_there_is_a_failed_source(house: Bench, server: PrivatePostgres) -> None:
    with pytest.raises(SourceFailed, match="there is no database nothing"):
        house.kind.look(workload(server.address_of("nothing")), Silent())


@contextmanager
def sampled() -> Iterator[set[str]]:
    """Every argument of every process, again and again while the block runs."""
    stop, seen = threading.Event(), set[str]()

    def sample() -> None:
        while not stop.is_set():
            for process in psutil.process_iter(["cmdline"]):
                seen.update(process.info["cmdline"] or ())

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield seen
    finally:
        stop.set()
        sampler.join()


@pytest.mark.parametrize("form", ["url", "key=value"])
def test_the_password_reaches_no_argument_list_and_no_artefact(
    house: Bench, guarded: PrivatePostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    escaped = CANARY.replace("\\", "\\\\").replace("'", "\\'")
    plain = f"host={guarded.sockets} user=postgres dbname=app password='{escaped}'"
    monkeypatch.setenv("DSN", guarded.address_of("app", password=CANARY) if form == "url" else plain)
    with sampled() as arguments:
        backup = house.back_up(workload(SecretRef("env", "DSN")), tmp_path / "b")
    assert any("pg_dump" in argument for argument in arguments)
    assert not [argument for argument in arguments if "canary" in argument]
    assert "canary" not in str(backup.fingerprint)
    assert not [path for path in (tmp_path / "b").rglob("*") if path.is_file() and b"canary" in path.read_bytes()]
    proven(house, backup)


def pg_dump_runs(folder: Path) -> bool:
    return any(
        str(folder) in " ".join(process.info["cmdline"] or ()) and process.info["name"] == "pg_dump"
        for process in psutil.process_iter(["cmdline", "name"])
    )


def eventually(condition: Callable[[], bool], within_s: float = 30) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.005)


def test_a_server_that_stops_in_the_middle_of_a_dump_is_unavailable_and_nothing_is_left(
    house: Bench, tmp_path: Path
) -> None:
    with private_postgres() as dying:
        dying.execute("CREATE TABLE t AS SELECT i, repeat(md5(i::text), 9) FROM generate_series(1, 600000) i")

        def stop_when_the_dump_grows() -> None:
            eventually(lambda: any(tmp_path.glob("b/*/*")))
            dying.stop()

        killer = threading.Thread(target=stop_when_the_dump_grows)
        killer.start()
        with pytest.raises(Unavailable):
            house.back_up(dying.address, tmp_path / "b")
        killer.join()
    assert not pg_dump_runs(tmp_path)


class StoppedAt(Silent):
    """Progress that somebody stops as soon as a phase has begun."""

    def __init__(self, phase: str) -> None:
        self._wanted = phase
        self._now = ""

    def phase(self, name: str) -> None:
        self._now = name

    def check(self) -> None:
        if self._now == self._wanted:
            raise Cancelled("stopped")


@pytest.mark.parametrize("phase", ["dump", "fingerprint"])
def test_a_cancelled_backup_leaves_no_session_and_no_program(house: Bench, tmp_path: Path, phase: str) -> None:
    with private_postgres() as server:
        server.execute("CREATE TABLE t AS SELECT i, repeat(md5(i::text), 9) FROM generate_series(1, 300000) i")
        with pytest.raises(Cancelled):
            house.back_up(workload(server.address), tmp_path / "b", StoppedAt(phase))
        assert not pg_dump_runs(tmp_path)
        eventually(
            lambda: server.value("SELECT count(*) FROM pg_stat_activity WHERE application_name ~ 'backstay'") == 0
        )


def test_an_owner_who_is_no_superuser_can_back_up_and_is_told_what_is_missing(
    house: Bench, server: PrivatePostgres, tmp_path: Path
) -> None:
    server.execute("CREATE ROLE owner LOGIN", "CREATE DATABASE owned OWNER owner")
    server.execute(
        "SET ROLE owner", "CREATE TABLE mine AS SELECT 1 AS a", "SELECT lo_from_bytea(0, 'x')", database="owned"
    )
    address = server.address_of("owned", user="owner")
    look = house.kind.look(workload(address), Silent())
    assert [finding.code for finding in look.findings] == ["globals-without-passwords"]
    proven(house, house.back_up(address, tmp_path / "b"))


def test_a_table_that_may_not_be_read_is_named(house: Bench, server: PrivatePostgres, tmp_path: Path) -> None:
    server.execute("CREATE ROLE stranger LOGIN", "CREATE DATABASE closed")
    server.execute("CREATE TABLE private (a int)", database="closed")
    address = server.address_of("closed", user="stranger")
    with pytest.raises(SourceFailed, match=r"stranger may not read public\.private"):
        house.kind.look(workload(address), Silent())
    with pytest.raises(SourceFailed, match=r"stranger may not read public\.private"):
        house.back_up(address, tmp_path / "b")


def test_rows_hidden_by_a_policy_fail_the_backup(house: Bench, server: PrivatePostgres, tmp_path: Path) -> None:
    server.execute("CREATE ROLE half_blind LOGIN IN ROLE pg_read_all_data", "CREATE DATABASE hidden")
    server.execute(
        "CREATE TABLE t (a int)",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY above_one ON t USING (a > 1)",
        database="hidden",
    )
    with pytest.raises(SourceFailed, match="row-level security"):
        house.back_up(server.address_of("hidden", user="half_blind"), tmp_path / "b")


@pytest.mark.parametrize("name", ["od'd =\"x\\y", "-Fc", "postgresql://x", "ünïcode %s", "postgres"])
def test_a_database_of_any_name_comes_back_under_its_name(
    house: Bench, server: PrivatePostgres, tmp_path: Path, name: str
) -> None:
    if name != "postgres":
        quoted = name.replace('"', '""')
        server.execute(f'CREATE DATABASE "{quoted}"')
    server.execute("CREATE TABLE t AS SELECT 1 AS a", database=quote(name, safe=""))
    backup = house.back_up(server.address_of(quote(name, safe="")), tmp_path / "b")
    assert backup.dump.parent == tmp_path / "b"
    proven(house, backup)


def test_another_encoding_comes_back(house: Bench, server: PrivatePostgres, tmp_path: Path) -> None:
    server.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    server.execute(
        "CREATE TABLE \"Größe\" AS SELECT 'Übermut' AS ä", "COMMENT ON TABLE \"Größe\" IS 'ß'", database="latin"
    )
    proven(house, house.back_up(server.address_of("latin"), tmp_path / "b"))


@pytest.mark.long
def test_a_table_that_somebody_rewrites_is_waited_for_only_so_long(
    house: Bench, server: PrivatePostgres, tmp_path: Path
) -> None:
    server.execute("CREATE DATABASE locked")
    server.execute("CREATE TABLE t (a int)", database="locked")
    with server.connect("locked") as other, other.transaction():
        other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Unavailable, match="lock timeout"):
            house.back_up(server.address_of("locked"), tmp_path / "b")
