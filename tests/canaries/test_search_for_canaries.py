"""The search for canaries would find one: without this, finding none would say nothing."""

from __future__ import annotations

import base64
import json
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
import zstandard

from canaries.searching import Search, awkward_canary, canary, command_lines

WRITINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent-encoded": lambda secret: quote(secret, safe=""),
    "in JSON": json.dumps,
    "in hex": lambda secret: secret.encode().hex(),
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in base64 behind a byte": lambda secret: base64.b64encode(f"x{secret}".encode()).decode(),
    "in base64 behind two bytes": lambda secret: base64.b64encode(f"xy{secret}yz".encode()).decode(),
}


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("make", [canary, awkward_canary])
def test_a_secret_is_found_however_it_is_written(make: Callable[[], str], writing: str, tmp_path: Path) -> None:
    secret, other = make(), make()
    text = f"before {WRITINGS[writing](secret)} after"
    (tmp_path / "log").write_text(text)
    assert Search([secret]).shown_in(text, "the text")
    assert Search([secret]).shown_below(tmp_path)
    assert Search([other]).shown_in(text, "the text") == []
    assert Search([other]).shown_below(tmp_path) == []


def test_a_secret_is_found_in_the_name_of_a_file(tmp_path: Path) -> None:
    secret = canary()
    (tmp_path / secret).mkdir()
    assert Search([secret]).shown_below(tmp_path)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
def test_a_secret_is_found_in_a_row(compressed: bool, tmp_path: Path) -> None:
    secret = canary()
    raw = json.dumps({"dsn": secret, "filling": "x" * 500}).encode()
    database = sqlite3.connect(tmp_path / "catalog.db")
    database.execute("CREATE TABLE record (content BLOB)")
    database.execute("INSERT INTO record VALUES (?)", (zstandard.compress(raw) if compressed else raw,))
    database.commit()
    database.close()
    assert Search([secret]).shown_below(tmp_path)


def test_a_secret_is_found_in_the_log_that_a_database_writes_ahead(tmp_path: Path) -> None:
    secret = canary()
    database = sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE record (content TEXT)")
    database.execute("INSERT INTO record VALUES (?)", (secret,))
    database.execute("DELETE FROM record")
    found = Search([secret]).shown_below(tmp_path)
    database.close()
    assert any("catalog.db-wal" in each for each in found)


def test_a_secret_is_found_in_the_arguments_of_a_process_of_a_tenth_of_a_second() -> None:
    secret = canary()
    with command_lines() as lines:
        subprocess.run(["sh", "-c", "sleep 0.1", secret], check=True)
    assert Search([secret]).shown_in(b"\n".join(lines.seen), "arguments")
