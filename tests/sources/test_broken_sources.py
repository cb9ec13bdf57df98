"""Sources that are missing, emptied, shrunk, broken or silent: failed runs that name it, older points untouched."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from acceptance.estates import Place, leftovers, some_database, some_files
from sources.breaking import (
    GOOD,
    done,
    failed,
    kept,
    nothing_half_made,
    run,
    small_disk,
    snapshots,
    standing,
    unmount,
)


@pytest.mark.long
def test_broken_trees_and_files_fail_by_name_and_are_done_once_repaired(place: Place) -> None:
    sources = place.root / "sources"
    for name in (GOOD, "gone", "first", "second", "emptied", "shrunk"):
        some_files(sources / name, 10)
    files = {name: f"kind: files, paths: [{sources}/{name}]" for name in (GOOD, "gone", "emptied", "shrunk")}
    place.write({**files, "half": f"kind: files, paths: [{sources}/first, {sources}/second]"})
    done(run(place, status=0))
    points, stored = kept(place), snapshots(place)
    shutil.copytree(sources, place.root / "whole")
    _break_trees(sources)
    runs = run(place, status=3)
    assert runs[GOOD]["result"] == "done"
    failed(runs["gone"], "source", f"{sources}/gone", "does not exist")
    failed(runs["half"], "source", f"{sources}/second", "does not exist")
    assert "first" not in runs["half"]["error"]["message"]
    failed(runs["emptied"], "source", "emptied", "no file")
    failed(runs["shrunk"], "source", "shrunk", "4 items", "10 were there")
    assert "plausible" in runs["shrunk"]["error"]["hint"]
    bad = set(runs) - {GOOD}
    assert {name: each for name, each in kept(place).items() if each[0] in bad} == {
        name: each for name, each in points.items() if each[0] in bad
    }
    assert stored <= snapshots(place)
    stands = standing(place)
    assert {stands[name]["state"] for name in bad} == {"failing"}
    place.ask("restore", "emptied", "--to", str(place.root / "back"))
    assert len(list((place.root / "back").rglob("file-*.txt"))) == 10
    assert place.do("run", *bad).status == 1
    shutil.rmtree(sources)
    (place.root / "whole").rename(sources)
    done(run(place, status=0))
    assert not leftovers(place)


def _break_trees(sources: Path) -> None:
    shutil.rmtree(sources / "gone")
    shutil.rmtree(sources / "second")
    for path in (sources / "emptied").iterdir():
        path.unlink()
    for number in range(6):
        (sources / "shrunk" / f"file-{number}.txt").unlink()


@pytest.mark.long
def test_broken_databases_and_producers_fail_by_name_and_are_done_once_repaired(place: Place) -> None:
    databases = {name: some_database(place.root / f"{name}.db", 2000) for name in ("zero", "text", "cut")}
    producers = ("fails", "silent", "missing", "killed")
    for name in producers:
        _produce(place.root / name, "seq 1 1000")
    commands = {name: f"kind: command, command: [{place.root}/{name}], file_name: out" for name in producers}
    place.write({**{name: f"kind: sqlite, path: {path}" for name, path in databases.items()}, **commands})
    done(run(place, status=0))
    points, stored = kept(place), snapshots(place)
    whole = {path: path.read_bytes() for path in databases.values()}
    databases["zero"].write_bytes(b"")
    databases["text"].write_text("no database\n" * 1000)
    databases["cut"].write_bytes(whole[databases["cut"]][:20_000])
    _produce(place.root / "fails", "seq 1 500; echo lost the way >&2; exit 7")
    _produce(place.root / "silent", "true")
    _produce(place.root / "killed", "seq 1 500; kill -9 $$")
    (place.root / "missing").unlink()
    runs = run(place, status=1)
    failed(runs["zero"], "source", "zero.db", "empty")
    failed(runs["text"], "source", "text.db", "is not a SQLite database")
    failed(runs["cut"], "source", "cut.db", "malformed")
    failed(runs["fails"], "source", "fails ended with status 7")
    assert "lost the way" in runs["fails"]["error"]["hint"]
    failed(runs["silent"], "source", "silent wrote nothing")
    failed(runs["killed"], "source", "killed", "9")
    failed(runs["missing"], "source", "missing is not a program")
    assert (kept(place), snapshots(place)) == (points, stored)
    for path, content in whole.items():
        path.write_bytes(content)
    for name in producers:
        _produce(place.root / name, "seq 1 1000")
    done(run(place, status=0))
    assert not leftovers(place)


def _produce(script: Path, lines: str) -> None:
    script.write_text(f"#!/bin/sh\n{lines}\n")
    script.chmod(0o755)


def test_a_tree_that_was_never_filled_fails_unless_that_is_meant(place: Place) -> None:
    (place.root / "bare").mkdir()
    place.write({"bare": f"kind: files, paths: [{place.root}/bare]"})
    failed(run(place, status=1)["bare"], "source", "bare", "no file")
    nothing_half_made(place, "bare")
    assert standing(place)["bare"]["state"] == "never"
    place.write({"bare": f"kind: files, paths: [{place.root}/bare], plausible: {{empty: true}}"})
    done(run(place, status=0))


@pytest.mark.long
def test_a_smaller_source_is_believed_where_the_workload_says_so(place: Place) -> None:
    tree = some_files(place.root / "tree", 10)
    for rule, left, status in (("90%", 10, 0), ("90%", 2, 0), ("40%", 1, 1)):
        place.write({"tree": f"kind: files, paths: [{tree}], plausible: {{shrink: {rule}}}"})
        for number in range(left, 10):
            (tree / f"file-{number}.txt").unlink(missing_ok=True)
        run(place, status=status)
    assert len(kept(place)) == 2


@pytest.mark.long
def test_an_unmounted_disk_is_not_an_emptied_tree(place: Place) -> None:
    disk = place.root / "disk"
    with small_disk(disk, 8):
        some_files(disk / "data")
        place.write({"data": f"kind: files, paths: [{disk}/data]", "disk": f"kind: files, paths: [{disk}]"})
        done(run(place, status=0))
        points = kept(place)
        unmount(disk)
        runs = run(place, status=1)
        failed(runs["disk"], "source", f"{disk} is not mounted")
        failed(runs["data"], "source", f"{disk}/data", "does not exist")
        assert "Mount" in runs["data"]["error"]["hint"]
        assert kept(place) == points
    with small_disk(disk, 8):
        some_files(disk / "data")
        done(run(place, status=0))


@pytest.mark.long
def test_a_locked_database_is_waited_for_and_then_unavailable(place: Place) -> None:
    path = some_database(place.root / "ledger.db")
    place.write({"ledger": f"kind: sqlite, path: {path}"})
    done(run(place, status=0))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        failed(run(place, status=5)["ledger"], "unavailable", "ledger.db is locked")
        other.execute("ROLLBACK")
    done(run(place, status=0))
    assert len(kept(place)) == 2
