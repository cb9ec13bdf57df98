"""What tests are given in place of a program that was started is such a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from acceptance.estates import PROGRAM, Place
from nursery import First, can_stand_for, nursery


@pytest.mark.parametrize(
    "arguments",
    [("--version",), ("check",), ("nonsense",), ("nonsense", "--json"), ("run", "--help"), ("keys", "list", "-q")],
    ids=" ".join,
)
def test_a_program_from_the_nursery_answers_as_one_that_was_started(place: Place, arguments: tuple[str, ...]) -> None:
    place.write({"w": "kind: files, paths: [/etc]"})
    began = [PROGRAM, *arguments]
    started = subprocess.run(began, env=place.environ(), capture_output=True, text=True, check=False)
    assert nursery().run(arguments, place.environ()) == (started.returncode, started.stdout, started.stderr)


def test_it_has_its_environment_and_folder_and_nothing_of_ours_or_of_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OF_THE_TEST", "unseen")
    given = {"PATH": "/nowhere", "MINE": "ä"}
    old = os.umask(0o027)
    try:
        told = [nursery().run((), given, first=First("acceptance.looking_around", "tell", {})) for _ in range(2)]
    finally:
        os.umask(old)
    for status, out, err in told:
        assert (status, err) == (7, "")
        assert json.loads(out) == {
            "environment": given,
            "folder": str(tmp_path),
            "mask": 0o027,
            "group": os.getpgrp(),
            "files": ["0", "1", "2"],
            "threads": 1,
            "interrupt": True,
            "left by another": False,
        }


def test_a_violent_death_is_told_and_the_next_one_lives() -> None:
    status, _, _ = nursery().run((), os.environ, first=First("acceptance.looking_around", "die", {}))
    assert status == -9
    assert nursery().run(("--version",), os.environ)[0] == 0


def test_one_that_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as out:
        pid = nursery().start((), os.environ, [out.fileno()] * 3, First("acceptance.looking_around", "hang", {}))
    with pytest.raises(TimeoutError):
        nursery().status_of(pid, 0.5)
    assert not psutil.pid_exists(pid)
    assert nursery().run(("--version",), os.environ)[0] == 0


@pytest.mark.parametrize("name", ["PYTHONIOENCODING", "LC_ALL", "LANG", "TZ"])
def test_it_does_not_stand_for_a_program_whose_interpreter_would_come_up_otherwise(name: str) -> None:
    assert can_stand_for({**os.environ, "HOME": "/elsewhere"})
    assert not can_stand_for({**os.environ, name: "something else"})


def test_nothing_of_a_program_is_left_when_its_nursery_is_gone() -> None:
    script = "import os; from nursery import nursery; nursery().run(['--version'], os.environ); "
    script += "print(nursery().process.pid, flush=True); os._exit(0)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    said = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    pid = int(said.stdout)
    if psutil.pid_exists(pid):
        psutil.Process(pid).wait(10)
    assert not psutil.pid_exists(pid)
