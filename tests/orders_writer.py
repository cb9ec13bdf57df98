"""A program that commits as fast as it can: an order and its line in the ledger, both numbered, in one transaction.

    python orders_writer.py KIND ADDRESS COUNTER

COUNTER is a file of eight bytes that holds the number of the last transaction that was committed, written after it.
"""

from __future__ import annotations

import sqlite3
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg

NUMBER = struct.Struct("<Q")
TABLES = (
    "CREATE TABLE orders (id bigint PRIMARY KEY, placed text NOT NULL)",
    "CREATE TABLE ledger (line bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders, amount bigint NOT NULL)",
)
ORDER = "INSERT INTO orders VALUES ({0}, {0})"
LINE = "INSERT INTO ledger VALUES ({0}, {0}, {0})"


def counted(counter: Path) -> int:
    """The number of the last transaction that is known to be committed."""
    (number,) = NUMBER.unpack(counter.read_bytes())
    return int(number)


def on_postgresql(address: str) -> Callable[[int], None]:
    connection = psycopg.connect(address)
    for statement in TABLES:
        connection.execute(statement)
    connection.commit()

    def commit(number: int) -> None:
        connection.execute(ORDER.format("%s"), (number, str(number)))
        connection.execute(LINE.format("%s"), (number, number, number))
        connection.commit()

    return commit


def on_sqlite(address: str) -> Callable[[int], None]:
    connection = sqlite3.connect(address, timeout=60)
    connection.isolation_level = None
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", *TABLES):
        connection.execute(statement)

    def commit(number: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(ORDER.format("?"), (number, str(number)))
        connection.execute(LINE.format("?"), (number, number, number))
        connection.execute("COMMIT")

    return commit


def main(kind: str, address: str, counter: Path) -> None:
    """Until it is killed."""
    commit = on_postgresql(address) if kind == "postgresql" else on_sqlite(address)
    with counter.open("r+b", buffering=0) as file:
        number = 0
        while True:
            number += 1
            commit(number)
            file.seek(0)
            file.write(NUMBER.pack(number))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
