from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from backstay.catalog.catalog import open_catalog
from backstay.domain.errors import CatalogError
from backstay.ports.catalog import Catalog
from backstay.ports.catalog_samples import A_FINGERPRINT, a_point, a_run
from catalog.conftest import Start
from catalog.still_clock import StillClock
from postgres import PrivatePostgres

# The program is loaded first, for an ordinary user may not be allowed to read it.
AS_AN_ORDINARY_USER = """
import os
from catalog import writer
if os.geteuid() == 0:
    os.setuid(65534)
writer.main()
"""


def assert_whole(catalog: Catalog) -> None:
    """Every point has its fingerprint, the facts are the newest, and the chain of evidence has no gap."""
    points = catalog.points("crm")
    assert all(catalog.fingerprint(point.point) for point in points)
    facts = catalog.facts()["crm"]
    assert facts.last_point == points[0]
    assert facts.last_run == catalog.runs(limit=1)[0]
    assert facts.last_drill == catalog.drills(limit=1)[0]
    assert sorted(drill.evidence or 0 for drill in catalog.drills()) == list(range(1, len(catalog.drills()) + 1))


@pytest.mark.long
def test_two_processes_writing_at_once_lose_nothing(address: str, start: Start) -> None:
    children = [start("-m", "catalog.writer", address, prefix, 200) for prefix in "ab"]
    said = "".join(child.communicate()[0] for child in children).split()
    catalog = open_catalog(address, StillClock())
    expected = {f"{prefix}-{number}" for prefix in "ab" for number in range(200)}
    assert set(said) == {run.run_id for run in catalog.runs()} == {p.point for p in catalog.points()} == expected
    assert len(catalog.drills()) == 40
    assert_whole(catalog)
    catalog.close()


def test_threads_may_share_a_catalog(catalog: Catalog) -> None:
    numbers = range(200)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda number: catalog.add_run(a_run(number, hours=number)), numbers))
    assert [run.run_id for run in catalog.runs()] == [a_run(number).run_id for number in reversed(numbers)]
    assert catalog.facts()["crm"].last_run == a_run(199, hours=199)


@pytest.mark.parametrize("kept", [15, 40, 77])
def test_a_killed_writer_leaves_every_record_it_was_promised(address: str, kept: int, start: Start) -> None:
    child = start("-m", "catalog.writer", address, "a", 100_000)
    assert child.stdout is not None
    said = [child.stdout.readline().strip() for _ in range(kept)]
    child.send_signal(signal.SIGKILL)
    said += child.communicate()[0].split()
    catalog = open_catalog(address, StillClock())
    assert set(said) <= {point.point for point in catalog.points()}
    assert len(catalog.points()) - len(said) in (0, 1)
    assert_whole(catalog)
    catalog.close()


def test_a_full_disk_is_a_catalog_error_and_nothing_kept_is_lost(new_sqlite: Callable[[], str], start: Start) -> None:
    child = start("-m", "catalog.writer", new_sqlite(), "a", 100_000, 3_000_000)
    *said, complaint = child.communicate()[0].splitlines()
    message, hint, readable = complaint.split(" | ")
    assert child.returncode == 1
    assert "cannot be used: disk I/O error" in message
    assert "it may be full" in hint
    catalog = open_catalog(new_sqlite(), StillClock())
    assert len(said) > 20
    assert len(catalog.points()) == int(readable) >= len(said)
    catalog.add_run(a_run(1))
    assert_whole(catalog)
    catalog.close()


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    path.write_bytes(b"these are my notes\n" * 1000)
    with pytest.raises(CatalogError, match="file is not a database") as raised:
        open_catalog(f"sqlite:///{path}", StillClock())
    assert raised.value.path == str(path)
    assert "backups themselves are untouched" in str(raised.value.hint)
    assert path.read_bytes() == b"these are my notes\n" * 1000


def test_a_damaged_file_is_a_catalog_error_that_says_what_is_untouched(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    catalog = open_catalog(f"sqlite:///{path}", StillClock())
    for number in range(100):
        catalog.add_point(a_point(number), None)
    catalog.close()
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    with pytest.raises(CatalogError, match="malformed") as raised:
        open_catalog(f"sqlite:///{path}", StillClock()).points()
    assert raised.value.path == str(path)
    assert "backups themselves are untouched" in str(raised.value.hint)


def test_a_damaged_fingerprint_is_never_taken_for_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    catalog = open_catalog(f"sqlite:///{path}", StillClock())
    catalog.add_point(a_point(1), A_FINGERPRINT)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE fingerprint SET body = CAST(substr(body, 1, length(body) - 1) AS BLOB)")
        database.commit()
    with pytest.raises(CatalogError, match="a compressed record is damaged"):
        catalog.fingerprint("point-0001")
    catalog.close()


def test_a_folder_that_may_not_be_written_is_a_catalog_error(ordinary_folder: Path, start: Start) -> None:
    address = f"sqlite:///{ordinary_folder}/catalog.db"
    open_catalog(address, StillClock()).close()
    if os.geteuid() == 0:
        shutil.chown(ordinary_folder / "catalog.db", "nobody")
    ordinary_folder.chmod(0o500)
    complaint, _ = start("-c", AS_AN_ORDINARY_USER, address, "a", 1).communicate()
    assert f"{ordinary_folder}/catalog.db cannot be used: " in complaint
    assert "writable for the account that runs backstay" in complaint


def test_a_server_that_was_restarted_is_found_again(new_postgresql: Callable[[], str], server: PrivatePostgres) -> None:
    catalog = open_catalog(new_postgresql(), StillClock())
    catalog.add_run(a_run(1))
    server.stop()
    with pytest.raises(CatalogError):
        catalog.runs()
    server.start()
    assert catalog.runs() == [a_run(1)]
    catalog.close()
