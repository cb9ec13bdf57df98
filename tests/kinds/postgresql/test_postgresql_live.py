"""A database that somebody writes to as fast as he can: every backup of it is one exact moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backstay.ports.kind import HoldRequest
from backstay.ports.progress import Silent
from kinds.postgresql.bench import Bench, workload
from postgres import PrivatePostgres


@pytest.fixture(scope="module")
def bank(server: PrivatePostgres) -> PrivatePostgres:
    server.execute("CREATE DATABASE bank")
    server.execute(
        "CREATE TABLE accounts (id int PRIMARY KEY, balance numeric(12, 2) NOT NULL, filler char(80))",
        "CREATE TABLE moves (id bigserial PRIMARY KEY, account int REFERENCES accounts, amount numeric, at time)",
        "INSERT INTO accounts SELECT i, 0, 'x' FROM generate_series(1, 20000) i",
        database="bank",
    )
    return server


@contextmanager
def written_to(bank: PrivatePostgres) -> Iterator[list[int]]:
    """Transactions that move money between accounts, as fast as they go; their number so far."""
    stop, done = threading.Event(), [0]

    def write() -> None:
        with bank.connect("bank") as connection:
            while not stop.is_set():
                step = done[0]
                with connection.transaction():
                    for account, amount in ((1 + step % 20000, 7), (1 + step * 7 % 20000, -7)):
                        connection.execute(
                            "UPDATE accounts SET balance = balance + %s WHERE id = %s", (amount, account)
                        )
                        connection.execute(
                            "INSERT INTO moves (account, amount, at) VALUES (%s, %s, now())", (account, amount)
                        )
                    connection.execute("DELETE FROM moves WHERE id = %s", (step // 3,))
                done[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield done
    finally:
        stop.set()
        writer.join()


def every_backup_is_exact(house: Bench, bank: PrivatePostgres, folder: Path, times: int) -> None:
    seen = []
    with written_to(bank) as done:
        for number in range(times):
            before = done[0]
            backup = house.back_up(bank.address_of("bank"), folder / str(number))
            assert done[0] > before, "nothing was written while the backup ran"
            with house.raised(backup) as (raised, _):
                assert raised.started.result == "passed", raised.started
                assert raised.structure(Silent()).result == "passed", raised.structure(Silent())
                assert raised.data(Silent()).result == "passed", raised.data(Silent())
            seen.append(backup.fingerprint)
    assert len({taken.body for taken in seen if taken}) == times


@pytest.mark.long
def test_five_backups_under_writes_are_exact(house: Bench, bank: PrivatePostgres, tmp_path: Path) -> None:
    every_backup_is_exact(house, bank, tmp_path, 5)


@pytest.mark.long
def test_twenty_backups_under_writes_are_exact(house: Bench, bank: PrivatePostgres, tmp_path: Path) -> None:
    every_backup_is_exact(house, bank, tmp_path, 20)


def test_production_is_let_go_before_the_copy_begins(house: Bench, bank: PrivatePostgres, tmp_path: Path) -> None:
    request = HoldRequest(workload(bank.address_of("bank")), "run-1", str(tmp_path))
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'backstay'"
    with house.kind.hold(request, Silent()):
        # A server's process ends a moment after its client has left.
        until = time.monotonic() + 5
        while (sessions := bank.value(count)) and time.monotonic() < until:
            time.sleep(0.05)
        assert sessions == 0
