"""The demo's throwaway data: files, an SQLite database and a private PostgreSQL, and who writes to them."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from backstay.domain.errors import Unavailable
from backstay.host.clock import SystemClock
from backstay.host.places import ScratchPlaces
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.ports.progress import Silent
from backstay.ports.runner import Command

from .starter import quoted

SERVERS = "/usr/lib/postgresql"

ESTATE = """\
estate: demo
timezone: UTC
targets:
  vault: {{url: {vault}}}
policies:
  gold: {{rpo: 1h, rto: 15m, drill: weekly}}
workloads:
  shop-db:    {{kind: postgresql, dsn: {dsn}, policy: gold, group: shop}}
  shop-files: {{kind: files, paths: [{files}], policy: gold, group: shop, after: [shop-db]}}
  ledger:     {{kind: sqlite, path: {ledger}, policy: gold}}
"""


@contextmanager
def living_data(folder: Path) -> Iterator[None]:
    """Files, an SQLite database and a private PostgreSQL, each with a writer that does not rest."""
    files, ledger = folder / "files", folder / "ledger.db"
    _make_files(files)
    _make_ledger(ledger)
    with ExitStack() as living:
        dsn = living.enter_context(_server(folder / "state"))
        _make_shop(dsn)
        for write in (_file_writer(files), _ledger_writer(ledger), _shop_writer(dsn)):
            living.enter_context(_restless(write))
        places = {"vault": str(folder / "vault"), "files": str(files), "ledger": str(ledger), "dsn": dsn}
        text = ESTATE.format(**{name: quoted(place) for name, place in places.items()})
        (folder / "estate.yaml").write_text(text, encoding="utf-8")
        yield


def _make_files(files: Path) -> None:
    for number in range(200):
        path = files / f"customer-{number % 10}" / f"document-{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"document {number}\n" * (number + 1))
    (files / "latest").symlink_to("customer-0/document-0.txt")
    (files / "customer-0" / "private").write_text("for the owner\n")
    (files / "customer-0" / "private").chmod(0o600)


def _file_writer(files: Path) -> Callable[[int], None]:
    def write(turn: int) -> None:
        (files / "journal.txt").write_text(f"line {turn}\n" * (turn % 100 + 1))

    return write


def _make_ledger(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, account TEXT NOT NULL, amount INTEGER)")
        database.execute("CREATE INDEX entry_by_account ON entry (account)")
        rows = ((f"account-{n % 97}", n * 7 % 1000) for n in range(20_000))
        database.executemany("INSERT INTO entry (account, amount) VALUES (?, ?)", rows)
    database.close()


def _ledger_writer(path: Path) -> Callable[[int], None]:
    def write(turn: int) -> None:
        with sqlite3.connect(path, timeout=30) as database:
            database.execute("INSERT INTO entry (account, amount) VALUES ('live', ?)", (turn,))
        database.close()

    return write


def _make_shop(dsn: str) -> None:
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as shop:
        shop.execute("CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL, details jsonb)")
        shop.execute("CREATE TABLE purchase (id serial PRIMARY KEY, customer int REFERENCES customer, cents bigint)")
        shop.execute("CREATE INDEX purchase_by_customer ON purchase (customer)")
        shop.execute("CREATE ROLE accounting")
        shop.execute("GRANT SELECT ON purchase TO accounting")
        shop.execute(
            "INSERT INTO customer (name, details) SELECT 'customer ' || n, jsonb_build_object('n', n)"
            " FROM generate_series(1, 2000) n"
        )
        shop.execute("INSERT INTO purchase (customer, cents) SELECT n % 2000 + 1, n FROM generate_series(1, 50000) n")


def _shop_writer(dsn: str) -> Callable[[int], None]:
    import psycopg

    def write(turn: int) -> None:
        with psycopg.connect(dsn, autocommit=True) as shop:
            shop.execute("INSERT INTO purchase (customer, cents) VALUES (%s, %s)", (turn % 2000 + 1, turn))

    return write


@contextmanager
def _restless(write: Callable[[int], None]) -> Iterator[None]:
    """Write, again and again, until the context is left."""
    enough = threading.Event()

    def work() -> None:
        turn = 0
        while not enough.wait(0.01):
            turn += 1
            write(turn)

    writer = threading.Thread(target=work, name="demo writer")
    writer.start()
    try:
        yield
    finally:
        enough.set()
        writer.join()


@contextmanager
def _server(state: Path) -> Iterator[str]:
    """A private PostgreSQL on a socket; its address."""
    state.mkdir(mode=0o700)
    clock, secrets = SystemClock(), HostSecrets()
    runner, places = Processes(secrets, clock, str(state)), ScratchPlaces(str(state))
    programs = _newest_server()
    user = places.ordinary_user
    with places.open("demo", for_user=user) as place:
        data = f"{place}/data"
        initdb = (f"{programs}/initdb", "-D", data, "-U", "demo", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        made = runner.run(Command(initdb, user=user, cwd="/"), Silent())
        if made.status:
            raise Unavailable(f"initdb failed: {made.err.strip()[-300:]}")
        settings = ("listen_addresses=", f"unix_socket_directories={place}", "fsync=off")
        argv = (f"{programs}/postgres", "-D", data, *(part for each in settings for part in ("-c", each)))
        with runner.serve(Command(argv, user=user, cwd="/", stop="QUIT")) as server:
            dsn = f"postgresql://demo@/postgres?host={place}"
            _await_answer(dsn, clock, server.ended)
            yield dsn


def require_tools(servers: str = SERVERS) -> None:
    """Unavailable unless everything that the story needs is here, known before it begins."""
    if shutil.which("restic") is None:
        raise Unavailable("the demo needs restic", subject="restic", hint="Install the package restic.")
    _newest_server(servers)


def _newest_server(servers: str = SERVERS) -> str:
    found = sorted(Path(servers).glob("[0-9]*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        hint = "Install the package postgresql; no cluster of it needs to run."
        raise Unavailable("the demo needs a PostgreSQL server", subject="postgresql", hint=hint)
    return str(found[-1].parent)


def _await_answer(dsn: str, clock: SystemClock, ended: Callable[[], int | None]) -> None:
    import psycopg

    for _ in range(200):
        try:
            psycopg.connect(dsn).close()
        except psycopg.OperationalError:
            if ended() is not None:
                break
            clock.sleep(0.1)
        else:
            return
    raise Unavailable("the demo's PostgreSQL did not start")
