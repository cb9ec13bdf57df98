"""The state folder: private, and clear words when it cannot be used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from acceptance.estates import Place, some_files
from terminal.seeing import in_shell

NOBODY = 65534
ELSEWHERE = "unshare --mount --propagation private bash -c"
"""A shell whose mounts nobody else sees, and which are gone with it."""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "vault").mkdir()
    place = Place(tmp_path)
    place.write({"w": f"kind: files, paths: [{some_files(tmp_path / 'files')}]"})
    return place


@pytest.fixture
def used(place: Place) -> Place:
    """The same with a run behind it."""
    place.begin("w")
    assert place.do("run", "w").status == 0
    return place


def test_without_a_home_the_state_folder_must_be_named(place: Place) -> None:
    lost = in_shell(place, "env -u HOME -u BACKSTAY_STATE -u XDG_STATE_HOME backstay status")
    assert (lost.returncode, lost.stdout) == (2, "")
    assert lost.stderr.splitlines() == [
        "there is no home folder to keep the state in",
        "  Set BACKSTAY_STATE, or give --state, to a folder that lasts.",
    ]
    place.begin("w")
    named = in_shell(
        place, "env -u HOME backstay run w && env -u HOME -u BACKSTAY_STATE backstay --state $BACKSTAY_STATE points"
    )
    assert named.returncode == 0, named


def test_a_read_only_disk_is_named(used: Place) -> None:
    script = 'mount --bind "$BACKSTAY_STATE" "$BACKSTAY_STATE" && mount -o remount,ro,bind "$BACKSTAY_STATE" && '
    for command in ("status", "run w", "points --json"):
        seen = in_shell(used, f"{ELSEWHERE} '{script} backstay {command}'")
        said = json.loads(seen.stdout)["error"]["message"] if "--json" in command else seen.stderr
        assert seen.returncode == 1, seen
        assert f"{used.state} cannot be used: Read-only file system" in said
    assert used.do("status").status == 0


def test_somebody_elses_folder_is_refused(used: Place) -> None:
    """Root without its powers is an account like any other."""
    for path in (used.state, *used.state.rglob("*")):
        shutil.chown(path, NOBODY, NOBODY)
    seen = in_shell(used, "setpriv --bounding-set=-all --inh-caps=-all backstay status")
    assert (seen.returncode, seen.stdout) == (1, "")
    assert seen.stderr.startswith(f"{used.state} cannot be used: Permission denied\n  Run this as the user who owns")


def test_a_folder_that_others_may_write_is_refused_with_the_cure(place: Place) -> None:
    place.state.mkdir()
    place.state.chmod(0o777)
    answer = place.do("status")
    assert answer.status == 2
    assert f"chmod go-w {place.state}" in answer.err


FULL = """
cp -a "$BACKSTAY_STATE" "$OUT/begun" || exit 99
mount -t tmpfs -o size=4m,mode=700 none "$BACKSTAY_STATE" && cp -a "$OUT/begun/." "$BACKSTAY_STATE" || exit 99
backstay run w >/dev/null || exit 98
dd if=/dev/zero of="$BACKSTAY_STATE/filling" bs=4k status=none 2>/dev/null
backstay run w --json; echo "run $?"
backstay status --json >"$OUT/status"; echo "status $?"
rm "$BACKSTAY_STATE/filling"
backstay status --json >"$OUT/after" || exit 97
backstay run w --json >"$OUT/again" || exit 96
backstay points --json >"$OUT/points"
"""


def test_a_full_disk_is_named_and_nothing_is_lost(place: Place, tmp_path: Path) -> None:
    place.begin("w")
    (tmp_path / "script").write_text(FULL)
    seen = in_shell(place, f"{ELSEWHERE} 'bash {tmp_path}/script'", OUT=str(tmp_path))
    assert seen.returncode == 0, seen
    assert "Traceback" not in seen.stdout + seen.stderr
    assert "run 0" not in seen.stdout
    assert "run 70" not in seen.stdout, seen.stdout
    assert str(place.state) in seen.stdout, "the folder is named"
    (after,) = json.loads((tmp_path / "after").read_text())["workloads"]
    assert after["as_of"] is not None
    (again,) = json.loads((tmp_path / "again").read_text())["runs"]
    assert again["result"] == "done"
    assert len(json.loads((tmp_path / "points").read_text())["points"]) >= 2


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["text", "json"])
def test_an_estate_file_that_cannot_be_read_is_named(as_json: tuple[str, ...], place: Place) -> None:
    estate = place.root / "estate.yaml"
    for make in (estate.unlink, estate.mkdir):
        make()
        answer = place.do("status", *as_json)
        assert answer.status == 2, answer
        assert str(estate) in answer.out + answer.err
        assert "Traceback" not in answer.err
    assert not place.state.exists()
