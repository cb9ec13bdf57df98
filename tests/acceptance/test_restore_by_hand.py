"""Whatever was stored comes back with stock tools alone: by the page in docs/, and by the lines that `log` prints."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from acceptance.estates import Place, some_files
from postgres import PrivatePostgres, private_postgres

PAGE = Path(__file__).parents[2] / "docs" / "restore-by-hand.md"
OUTPUT = b"line of a command\n" * 4000
TOOLS = "/usr/bin:/bin"


@dataclass(frozen=True)
class Estate:
    """Four workloads, each with one point, and the lines that `log` printed for it."""

    place: Place
    server: PrivatePostgres
    lines: Mapping[str, list[str]]


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    place = Place(tmp_path_factory.mktemp("by hand"))
    place.vault.mkdir()
    _sources(place.root)
    with private_postgres() as server:
        _shop(server)
        place.write(
            {
                "docs": f'kind: files, paths: ["{place.root}/my docs"]',
                "shop": f'kind: postgresql, dsn: "{server.address_of("shop")}"',
                "ledger": f'kind: sqlite, path: "{place.root}/ledger.db"',
                "dump": f'kind: command, command: [cat, "{place.root}/output"], file_name: out.bin',
            }
        )
        place.begin("docs", "shop", "ledger", "dump")
        runs = place.ask("run", "--all")["runs"]
        yield Estate(place, server, {run["workload"]: _printed(place, run["run_id"]) for run in runs})


def _sources(root: Path) -> None:
    docs = some_files(root / "my docs")
    (docs / "deep" / "er").mkdir(parents=True)
    (docs / "deep" / "er" / "private").write_text("for the owner")
    (docs / "deep" / "er" / "private").chmod(0o600)
    (docs / "deep").chmod(0o750)
    (docs / "link").symlink_to("deep/er/private")
    os.link(docs / "file-0.txt", docs / "same")
    (docs / "with 'quotes' and ä").write_text("odd name")
    (root / "output").write_bytes(OUTPUT)
    with sqlite3.connect(root / "ledger.db") as database:
        database.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, text TEXT)")
        database.executemany("INSERT INTO entry (text) VALUES (?)", ((f"text {n}",) for n in range(300)))
    database.close()


def _shop(server: PrivatePostgres) -> None:
    server.execute("CREATE ROLE clerk LOGIN", "CREATE DATABASE shop OWNER clerk")
    server.execute(
        "CREATE TABLE purchase (id serial PRIMARY KEY, what text NOT NULL, cents bigint CHECK (cents > 0))",
        "ALTER TABLE purchase OWNER TO clerk",
        "INSERT INTO purchase (what, cents) SELECT 'thing ' || n, n FROM generate_series(1, 5000) n",
        "CREATE VIEW dear AS SELECT * FROM purchase WHERE cents > 4000",
        database="shop",
    )


ROWS = "SELECT md5(string_agg(p::text, ',' ORDER BY id)) || count(*) FROM purchase p"


def _printed(place: Place, run: str) -> list[str]:
    """The lines of `log` that restore by hand, copied from the screen as a person would."""
    shown = place.do("log", run).out.splitlines()
    (head,) = [number for number, line in enumerate(shown) if line.startswith("to restore it by hand")]
    lines = [line.strip() for line in shown[head + 1 :] if line.startswith("  ")]
    assert lines[0].startswith("export RESTIC_PASSWORD_FILE=")
    return lines


def shell(script: str, folder: Path, **more: str) -> str:
    """A shell that has the stock tools and no Backstay."""
    environment = {"PATH": TOOLS, "HOME": str(folder), "LANG": "C.UTF-8", **more}
    assert shutil.which("backstay", path=TOOLS) is None
    done = subprocess.run(["sh", "-eu"], input=script, env=environment, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, (script, done.stdout, done.stderr)
    return done.stdout


def page(block: str, values: Mapping[str, str]) -> str:
    """One block of the page, with other values for the variables that it declares, and for nothing else."""
    (found,) = re.findall(rf"^```sh {block}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    head, _, body = found.partition("\n\n")
    names = [line.partition("=")[0] for line in head.splitlines()]
    return "\n".join([*(f"{name}={shlex.quote(values[name])}" for name in names), body])


def brought_back(estate: Estate, workload: str, folder: Path) -> dict[str, str]:
    """The first part of the page: the values that its later blocks need, too."""
    values = {
        "REPOSITORY": str(estate.place.repository(workload)),
        "KEY": str(estate.place.state / "keys" / "vault" / f"restic-{workload}.key"),
        "DIR": str(folder / "back"),
    }
    shell(page("every", values), folder)
    return values


def tree(root: Path) -> dict[str, tuple[int, int, int, str | bytes]]:
    """Type and mode, links, time and content of everything below."""
    found: dict[str, tuple[int, int, int, str | bytes]] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        if path.is_symlink():
            found[str(path.relative_to(root))] = (stat.S_IFLNK, 1, 0, os.readlink(path))
        else:
            content = path.read_bytes() if path.is_file() else b""
            links = status.st_nlink if path.is_file() else 1
            found[str(path.relative_to(root))] = (status.st_mode, links, status.st_mtime_ns, content)
    return found


def test_files_come_back_by_the_page_with_modes_times_and_links(estate: Estate, tmp_path: Path) -> None:
    source = estate.place.root / "my docs"
    before = tree(source)
    values = brought_back(estate, "docs", tmp_path)
    assert '"workload": "docs"' in shell(page("seal", values), tmp_path)
    source.rename(tmp_path / "aside")
    shell(page("files", values | {"SOURCE": str(source)}), tmp_path)
    assert tree(source) == before
    assert len(before) == 11


def test_files_come_back_by_the_lines_that_log_prints(estate: Estate, tmp_path: Path) -> None:
    source = estate.place.root / "my docs"
    before = tree(source)
    source.rename(tmp_path / "aside")
    shell("\n".join(estate.lines["docs"]), tmp_path)
    assert tree(source) == before


def test_a_database_comes_back_into_a_new_server_by_the_page(estate: Estate, tmp_path: Path) -> None:
    values = brought_back(estate, "shop", tmp_path)
    with private_postgres() as fresh:
        login = {"PGHOST": str(fresh.sockets), "PGUSER": "postgres"}
        shell(page("postgresql", values | login), tmp_path)
        is_the_shop(fresh, estate.server)


def test_a_database_comes_back_into_a_new_server_by_the_lines_that_log_prints(estate: Estate, tmp_path: Path) -> None:
    with private_postgres() as fresh:
        login = {"PGHOST": str(fresh.sockets), "PGUSER": "postgres"}
        shell("\n".join(estate.lines["shop"]), tmp_path, **login)
        is_the_shop(fresh, estate.server)


def is_the_shop(fresh: PrivatePostgres, original: PrivatePostgres) -> None:
    assert fresh.value(ROWS, "shop") == original.value(ROWS, "shop")
    assert fresh.value("SELECT count(*) FROM dear", "shop") == 1000
    assert fresh.value("SELECT tableowner FROM pg_tables WHERE tablename = 'purchase'", "shop") == "clerk"
    assert fresh.value("SELECT nextval('purchase_id_seq')", "shop") == 5001


@pytest.mark.parametrize("way", ["page", "log"])
def test_sqlite_comes_back_and_nothing_from_before_is_played_into_it(estate: Estate, tmp_path: Path, way: str) -> None:
    path = estate.place.root / "ledger.db"
    path.write_bytes(b"broken")
    for end in ("-wal", "-shm", "-journal"):
        Path(f"{path}{end}").write_bytes(b"from before")
    if way == "page":
        values = brought_back(estate, "ledger", tmp_path)
        said = shell(page("sqlite", values | {"DATABASE": str(path)}), tmp_path)
    else:
        said = shell("\n".join(estate.lines["ledger"]), tmp_path)
    assert "ok" in said.split()
    assert not Path(f"{path}-wal").exists()
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT text FROM entry ORDER BY id").fetchall()
    database.close()
    assert rows == [(f"text {n}",) for n in range(300)]


@pytest.mark.parametrize("way", ["page", "log"])
def test_the_output_of_a_command_comes_back_byte_for_byte(estate: Estate, tmp_path: Path, way: str) -> None:
    if way == "page":
        values = brought_back(estate, "dump", tmp_path)
        shell(page("command", values | {"FILE_NAME": "out.bin"}), tmp_path)
        assert (tmp_path / "back" / "out.bin").read_bytes() == OUTPUT
    else:
        shell("\n".join(estate.lines["dump"]), tmp_path)
        assert (tmp_path / "DIR" / "out.bin").read_bytes() == OUTPUT


def test_every_block_of_the_page_is_run_by_a_test() -> None:
    blocks = re.findall(r"^```sh ?(.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert blocks == ["every", "seal", "files", "postgresql", "sqlite", "command"]
