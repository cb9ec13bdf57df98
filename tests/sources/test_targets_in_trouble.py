"""Targets that are full, gone or read-only, a lost key, and a run that is told to stop."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from acceptance.estates import Place, leftovers, some_files
from sources.breaking import done, failed, kept, nothing_half_made, remount, run, small_disk, standing, unmount


@pytest.mark.long
def test_a_full_target_fails_the_run_and_the_next_one_is_done_when_there_is_room(place: Place) -> None:
    tree = some_files(place.root / "tree")
    place.write({"tree": f"kind: files, paths: [{tree}]"})
    with small_disk(place.vault, 12):
        done(run(place, status=0))
        points = kept(place)
        (tree / "noise").write_bytes(os.urandom(20_000_000))
        failed(run(place, status=1)["tree"], "machine", "no space left", str(place.vault))
        assert kept(place) == points
        place.ask("restore", "tree", "--to", str(place.root / "back"))
        remount(place.vault, "size=64m")
        done(run(place, status=0))
        assert [drill["verdict"] for drill in place.ask("drill", "tree")["drills"]] == ["proven"]
    assert not leftovers(place)


@pytest.mark.long
def test_a_full_target_behind_a_gateway_fails_the_run_within_a_minute(place: Place) -> None:
    """The engine hears only that its server is in trouble, and would try again for a quarter of an hour."""
    tree = some_files(place.root / "tree")
    place.write({"tree": f"kind: files, paths: [{tree}]"})
    estate = place.root / "estate.yaml"
    limited = f"vault: {{url: {place.vault}, write: 50MB/s}}"
    estate.write_text(estate.read_text().replace(f"vault: {{url: {place.vault}}}", limited))
    with small_disk(place.vault, 12):
        done(run(place, status=0))
        points = kept(place)
        (tree / "noise").write_bytes(os.urandom(20_000_000))
        began = time.monotonic()
        failed(run(place, status=1)["tree"], "machine", "no space left in target vault")
        assert time.monotonic() - began < 60
        assert kept(place) == points
        remount(place.vault, "size=64m")
        done(run(place, status=0))
    assert not leftovers(place)


@pytest.mark.long
def test_a_target_that_is_read_only_or_gone_is_unavailable_and_nothing_is_written_beside_it(place: Place) -> None:
    tree = some_files(place.root / "tree")
    place.write({"tree": f"kind: files, paths: [{tree}]", "fresh": f"kind: files, paths: [{tree}]"})
    with small_disk(place.vault, 32):
        done(run(place, "tree", status=0))
        points = kept(place)
        remount(place.vault, "ro")
        for each in run(place, status=5).values():
            failed(each, "unavailable", str(place.vault), "ead-only")
        remount(place.vault, "rw")
        nothing_half_made(place, "fresh")
        unmount(place.vault)
        for each in run(place, status=5).values():
            failed(each, "unavailable", str(place.vault))
        assert not list(place.vault.iterdir())
        assert kept(place) == points
        assert standing(place)["tree"]["state"] == "failing"


@pytest.mark.long
def test_a_lost_key_of_a_repository_is_named_and_never_made_anew(place: Place) -> None:
    tree = some_files(place.root / "tree")
    place.write({"tree": f"kind: files, paths: [{tree}]"})
    done(run(place, status=0))
    key = Path(place.ask("keys", "list")["keys"][0]["key"])
    aside = key.rename(place.root / "aside.key")
    failed(run(place, status=1)["tree"], "engine", "the key of the restic repository tree in vault is missing")
    for arguments in (("drill", "tree"), ("verify",), ("restore", "tree", "--to", str(place.root / "back"))):
        answer = place.do(*arguments, "--json")
        assert answer.status == 1
        assert "Traceback" not in answer.err
        assert str(key) in answer.document["error"]["hint"]
    assert not key.exists()
    aside.rename(key)
    done(run(place, status=0))
    assert [point["state"] for point in place.points("tree")] == ["taken", "taken"]


@pytest.mark.long
def test_a_producer_that_hangs_is_stopped_by_a_cancel_and_leaves_no_point(place: Place) -> None:
    script = place.root / "produce"
    script.write_text(
        "#!/bin/sh\nseq 1 1000\ntouch started\nsleep 1000\n".replace("started", str(place.root / "started"))
    )
    script.chmod(0o755)
    place.write({"export": f"kind: command, command: [{script}], file_name: out"})
    running = place.start("run", "export", "--json")
    try:
        _wait_for(place.root / "started")
        (open_run,) = place.ask("runs")["runs"]
        place.ask("cancel", open_run["run_id"])
        out, err = running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 1, err
    assert '"result": "cancelled"' in out
    assert "Traceback" not in err
    assert not kept(place)
    nothing_half_made(place, "export")
    assert not leftovers(place)
    script.write_text("#!/bin/sh\nseq 1 1000\n")
    done(run(place, status=0))


def _wait_for(path: Path, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, f"{path} never appeared"
        time.sleep(0.1)
