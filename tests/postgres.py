"""A throwaway PostgreSQL for tests: a real server on a private socket, gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

import psycopg

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
"""The newest server that the system's packages put here."""

READY_WITHIN_S = 30.0


@dataclass(slots=True)
class PrivatePostgres:
    """A running server. `address` has no password; `full_address` has it, if there is one."""

    folder: Path
    password: str | None
    settings: Sequence[str]
    programs: Path = PROGRAMS
    process: subprocess.Popen[bytes] | None = None

    @property
    def sockets(self) -> Path:
        return self.folder / "s"

    @property
    def data(self) -> Path:
        return self.folder / "d"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def address(self) -> str:
        return self.address_of("postgres")

    @property
    def full_address(self) -> str:
        return self.address_of("postgres", password=self.password)

    def address_of(self, database: str, *, user: str = "postgres", password: str | None = None) -> str:
        login = user if password is None else f"{user}:{quote(password, safe='')}"
        return f"postgresql://{login}@/{database}?host={self.sockets}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.address_of(database, password=self.password), autocommit=True)

    def execute(self, *statements: str, database: str = "postgres") -> None:
        with self.connect(database) as connection:
            for statement in statements:
                connection.execute(statement)

    def value(self, query: str, database: str = "postgres") -> object:
        with self.connect(database) as connection:
            row = connection.execute(query).fetchone()
        return row[0] if row else None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            argv = [str(self.programs / "postgres"), "-D", str(self.data), "-k", str(self.sockets), *self.settings]
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, cwd="/", **_account())
        self._wait()

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _wait(self) -> None:
        until = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > until or (self.process and self.process.poll() is not None):
                    raise RuntimeError(f"the private server did not start:\n{self.log}") from None
                time.sleep(0.05)


@contextmanager
def private_postgres(
    *,
    password: str | None = None,
    wal_level: str = "minimal",
    settings: Sequence[str] = (),
    initdb: Sequence[str] = (),
    programs: Path = PROGRAMS,
) -> Iterator[PrivatePostgres]:
    """A server of one's own, with superuser `postgres`; with `password` the socket asks for it (SCRAM).

    Runs as the account `postgres` when we are root. Stopped, and its folder gone, when the context is left.
    """
    folder = Path(tempfile.mkdtemp(prefix="bspg", dir="/tmp"))
    options = [f"wal_level={wal_level}", "listen_addresses=", "fsync=off", "shared_buffers=32MB", *settings]
    options += ["max_wal_senders=0"] if wal_level == "minimal" else []
    server = PrivatePostgres(folder, password, [part for option in options for part in ("-c", option)], programs)
    try:
        _prepare(server, initdb)
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(server: PrivatePostgres, options: Sequence[str]) -> None:
    server.sockets.mkdir()
    authentication = ["-A", "trust"]
    if server.password is not None:
        secret = server.folder / "password"
        secret.write_text(server.password)
        authentication = ["-A", "scram-sha-256", f"--pwfile={secret}"]
    if os.geteuid() == 0:
        for path in (server.folder, *server.folder.iterdir()):
            shutil.chown(path, "postgres", "postgres")
    argv = [str(server.programs / "initdb"), "-D", str(server.data), "-N", "-U", "postgres", "-E", "UTF8"]
    argv += ["--locale=C.UTF-8", *authentication, *options]
    done = subprocess.run(argv, capture_output=True, text=True, cwd="/", **_account())
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stderr}")


class _Account(TypedDict, total=False):
    user: str
    group: str
    extra_groups: list[str | int]


def _account() -> _Account:
    """The arguments by which a child becomes `postgres`; PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": "postgres", "group": "postgres", "extra_groups": []}
