"""The demo tells the whole story, on any machine that has the tools, and leaves it as it was."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from acceptance.estates import PROGRAM
from acceptance.ordinary import as_nobody
from backstay.app.demo_data import require_tools
from backstay.domain.errors import Unavailable


@pytest.fixture
def here() -> Iterator[Path]:
    """The demo's folder for temporary files: short enough for sockets, open to every user, and nobody else's."""
    folder = Path(tempfile.mkdtemp(prefix="bsdemo", dir="/tmp"))
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


def start(here: Path, *arguments: str, before: list[str] | None = None) -> subprocess.Popen[str]:
    """The program with next to nothing in its environment."""
    return subprocess.Popen(
        [*(before or []), PROGRAM, *arguments],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(here), "LANG": "C.UTF-8"},
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left(here: Path) -> list[str]:
    """Folders of the demo, and processes that were started for it."""
    found = [str(path) for path in here.iterdir()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(here) in told:
            found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def until_nothing_is_left(here: Path) -> None:
    until = time.monotonic() + 10
    while left(here) and time.monotonic() < until:
        time.sleep(0.05)
    assert left(here) == []


@pytest.mark.long
def test_two_demos_at_once_one_by_an_ordinary_user_without_a_home_tell_the_story_and_leave_nothing(
    here: Path, tmp_path: Path
) -> None:
    kept = tmp_path / 'a "kept" demo: {it}'
    ordinary = start(here, "demo", before=as_nobody())
    keeping = start(here, "demo", "--json", "--keep", str(kept))
    out, err = ordinary.communicate(timeout=150)
    document, complaint = keeping.communicate(timeout=150)
    assert (ordinary.returncode, keeping.returncode) == (0, 0), (out, err, complaint)
    until_nothing_is_left(here)
    told_as_a_story(out)
    told_as_a_document(document)
    usable_afterwards(kept)


def told_as_a_story(out: str) -> None:
    titles = ["The estate", "The plan", "Restore points", "Status", "Proof", "Damage", "The same drill", "Status again"]
    places = [out.index(f"\n{number}  {title}") for number, title in enumerate(titles, start=1)]
    assert places == sorted(places)
    assert out.count("PROVEN") == 3
    assert out.count("FAILED at L0") == 1
    assert "All three were proven; the damaged copy was caught." in out
    assert "[bold]" not in out


def told_as_a_document(text: str) -> None:
    document = json.loads(text)
    assert (document["schema"], document["good"]) == ("backstay/demo/1", True)
    assert all(scene["title"] and scene["words"] and scene["content"] for scene in document["scenes"])
    drills = [each["verdict"] for scene in document["scenes"] for each in scene["content"] if "verdict" in each]
    assert drills == ["proven", "proven", "proven", "failed"]


def usable_afterwards(kept: Path) -> None:
    environment = {**os.environ, "BACKSTAY_ESTATE": str(kept / "estate.yaml"), "BACKSTAY_STATE": str(kept / "state")}
    command = [PROGRAM, "points", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    states = {each["workload"]: each["state"] for each in json.loads(done.stdout)["points"]}
    assert states == {"shop-db": "proven", "shop-files": "proven", "ledger": "damaged"}


@pytest.mark.parametrize("scene", ["1  The estate", "2  The plan"])
def test_an_interrupt_in_the_middle_leaves_nothing_behind(here: Path, scene: str) -> None:
    demo = start(here, "demo")
    assert demo.stdout is not None
    while scene not in demo.stdout.readline():
        assert demo.poll() is None
    if scene.startswith("2"):  # what comes next are the runs: restic and pg_dump are at work
        until_at_work(here)
    demo.send_signal(signal.SIGINT)
    _, err = demo.communicate(timeout=60)
    assert demo.returncode == 130, err
    until_nothing_is_left(here)


def until_at_work(here: Path) -> None:
    until = time.monotonic() + 30
    while not any("restic" in each and "--repo" in each for each in left(here)):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_kept_folder_is_never_one_that_is_there(here: Path, tmp_path: Path) -> None:
    demo = start(here, "demo", "--keep", str(tmp_path))
    _, err = demo.communicate(timeout=60)
    assert demo.returncode == 4, err
    assert "is there already" in err
    until_nothing_is_left(here)


def test_a_machine_without_postgresql_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="needs a PostgreSQL server") as told:
        require_tools(str(tmp_path))
    assert "Install the package postgresql" in str(told.value.hint)


def test_a_machine_without_restic_is_told_before_anything_is_made(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    demo = start(here, "demo")
    _, err = demo.communicate(timeout=60)
    assert demo.returncode == 5, err
    assert "needs restic" in err
    assert left(here) == []
