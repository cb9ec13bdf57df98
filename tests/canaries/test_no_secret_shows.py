"""No secret shows: not on a screen, in an argument list, a log, a record, a durable step or a file left behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from canaries.life import Life, readable_by_others
from canaries.searching import CommandLines, awkward_canary, command_lines
from postgres import private_postgres


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with private_postgres(password=awkward_canary()) as server:
        server.execute("CREATE TABLE entry AS SELECT n FROM generate_series(1, 50) n", "CREATE DATABASE empty")
        yield Life.at(tmp_path, server)


@pytest.fixture
def lines() -> Iterator[CommandLines]:
    with command_lines() as looking:
        yield looking


def test_nothing_that_goes_well_shows_a_secret(life: Life, lines: CommandLines) -> None:
    good = ("by-url", "by-keywords", "by-libpq", "listing", "files")
    life.do("check", "--effective", "--json")
    taken = life.do("run", *good, "--json")
    assert [run["result"] for run in taken.document["runs"]] == ["done"] * 5, taken
    assert life.do("restore", "by-url", "--to", str(life.root / "back")).status == 0
    life.place.environment["CANARY_INTO"] = life.server.address_of("empty", password=life.server.password)
    loaded = life.do("restore", "by-keywords", "--into", "env:CANARY_INTO")
    assert loaded.status == 0, loaded
    drilled = life.do("drill", "by-url", "listing", "--json")
    assert [drill["verdict"] for drill in drilled.document["drills"]] == ["proven", "proven"], drilled
    assert life.do("verify").status == 0
    runs = [run["run_id"] for run in taken.document["runs"]]
    for command in (("plan",), ("status",), ("points", "--json"), ("runs", "--json"), ("keys", "list", "--json")):
        life.do(*command)
    for run in runs[:3]:
        life.do("log", run)
    assert life.shown() == []
    assert life.search().shown_in(b"\n".join(lines.seen), "arguments") == []
    assert any(b"pg_dump" in each for each in lines.seen), "the sampler was asleep"


@pytest.mark.long
def test_nothing_that_goes_wrong_shows_a_secret(life: Life, lines: CommandLines) -> None:
    life.do("run", "files", "listing")
    failed = life.do("run", "wrong", "refused", "--json")
    assert [run["error"]["code"] for run in failed.document["runs"]] == ["unavailable"] * 2, failed
    life.may_not_read_everything()
    dumped = life.do("run", "by-url")
    assert "pg_dump of database postgres ended with status 1" in dumped.out, dumped
    life.a_restic_that_tells()
    for told in (
        ("run", "files"),
        ("drill", "files"),
        ("verify",),
        ("engine", "check"),
        ("restore", "files", "--to", str(life.root / "back")),
    ):
        assert life.do(*told).status != 0, told
    life.the_real_restic()
    before = (life.root / "private" / "vault-me").read_text()
    (life.root / "private" / "vault-me").write_text(before[::-1])
    life.canaries.append(before[::-1])
    assert life.do("run", "listing").status == 1
    history = life.do("runs", "--json").document["runs"]
    for run in history:
        life.do("log", run["run_id"])
    life.do("status")
    assert len([run for run in history if run["error"]]) >= 5, history
    assert life.shown() == []
    assert life.search().shown_in(b"\n".join(lines.seen), "arguments") == []


@pytest.mark.long
def test_a_program_that_is_killed_leaves_no_secret_behind(life: Life, lines: CommandLines) -> None:
    (life.root / "hold").touch()
    before = {path.name for path in Path("/tmp").glob("backstay-*")}
    running = life.place.start("run", "listing", "by-libpq", "--json")
    _until(lambda: life.place.ask("runs", "listing")["runs"][:1], "state", "running")
    os.kill(running.pid, signal.SIGKILL)
    life.screens += [("killed", text) for text in running.communicate()]
    assert life.shown() == []
    left = [path for path in Path("/tmp").glob("backstay-*") if path.name not in before]
    assert [word for path in left for word in life.search().shown_below(path)] == []
    (life.root / "hold").unlink()
    assert life.do("cancel", life.place.ask("runs", "listing")["runs"][0]["run_id"]).status == 0
    assert life.do("run", "listing", "by-libpq").status == 0
    assert life.shown() == []
    assert life.search().shown_in(b"\n".join(lines.seen), "arguments") == []


@pytest.mark.long
def test_what_lies_in_the_state_folder_is_for_its_owner_alone(life: Life) -> None:
    old = os.umask(0)
    try:
        assert life.do("run", "files", "listing").status == 0
        assert life.do("drill", "files").status == 0
    finally:
        os.umask(old)
    names = {path.name for path in life.place.state.iterdir()}
    assert {"catalog.db", "workflows.db", "keys"} <= names
    assert readable_by_others(life.place.state) == []
    assert [oct(path.stat().st_mode & 0o777) for path in (life.place.state / "keys").glob("*/*.key")] == ["0o600"]


def _until(look: object, field: str, wanted: str) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = look() if callable(look) else []
        if found and found[0][field] == wanted:
            return
        time.sleep(0.1)
    raise AssertionError(f"{field} never became {wanted}")
