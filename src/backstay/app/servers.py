"""PostgreSQL servers behind the sockets of this machine."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from urllib.parse import quote

from .machine import MOST_OF_A_KIND, ONE_OF_MANY, Found, Machine, entries_of

PATIENCE_S = 3


def databases(machine: Machine) -> Iterator[Found]:
    """Databases of the servers whose sockets are here, as far as they let us in."""
    for folder in machine.sockets:
        for entry in entries_of(folder):
            port = entry.name.removeprefix(".s.PGSQL.")
            if port.isdigit() and stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode):
                yield from _databases(folder, port)


def _databases(folder: str, port: str) -> Iterator[Found]:
    import psycopg

    if not _answers(folder, port):
        yield _closed(folder, port, "nobody answered there")
        return
    for user in ("", "postgres"):
        try:
            names = _names_of_databases(folder, port, user)
        except psycopg.Error:
            continue
        yield from _each_database(names, user, folder, port)
        return
    yield _closed(folder, port, "it did not let us in; write its user and database")


def _answers(folder: str, port: str) -> bool:
    """Whether a server is there, whatever it thinks of us."""
    from psycopg.pq import PGconn, Ping

    return PGconn.ping(_conninfo(folder, port, "").encode()) == Ping.OK


def _conninfo(folder: str, port: str, user: str) -> str:
    """An empty `user` is the account's own."""
    from psycopg.conninfo import make_conninfo

    login = {"user": user} if user else {}
    return make_conninfo("", host=folder, port=port, dbname="postgres", connect_timeout=PATIENCE_S, **login)


def _closed(folder: str, port: str, remark: str) -> Found:
    return Found(f"postgresql-{port}", "postgresql", _address("DATABASE", "USER", folder, port), remark, False)


def _names_of_databases(folder: str, port: str, user: str) -> list[str]:
    """All but the ones that every server has, unless there is nothing else."""
    import psycopg

    query = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"
    with psycopg.connect(_conninfo(folder, port, user)) as server:
        names = [str(row[0]) for row in server.execute(query)]
    return [name for name in names if name != "postgres"] or names


def _each_database(names: list[str], user: str, folder: str, port: str) -> Iterator[Found]:
    for number, name in enumerate(names):
        more = number >= MOST_OF_A_KIND
        yield Found(
            f"pg-{name}", "postgresql", _address(name, user, folder, port), ONE_OF_MANY if more else "", not more
        )


def _address(database: str, user: str, folder: str, port: str) -> str:
    return f"postgresql://{user and user + '@'}/{quote(database, safe='')}?host={quote(folder)}&port={port}"
