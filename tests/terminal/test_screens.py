"""Screens: nothing is cut, nothing is blank at its end, and colour is never needed."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from datetime import datetime

import pytest

from acceptance.estates import PROGRAM, Place
from backstay.cli.terminal import span
from terminal.seeing import ESCAPE, cells, in_process, in_shell, on_terminal

SHOWING = (
    ("check",),
    ("check", "--effective"),
    ("status",),
    ("plan",),
    ("plan", "--hours", "2"),
    ("plan", "--hours", "600"),
    ("points",),
    ("runs",),
    ("keys", "list"),
)

WIDE = (("status",), ("plan",), ("runs",))


@pytest.mark.parametrize(
    ("command", "columns"),
    [*((command, 80) for command in SHOWING), *((command, columns) for command in WIDE for columns in (40, 200))],
    ids=str,
)
def test_a_screen_fits_and_breaks_no_word_and_a_pipe_gets_plain_lines(
    command: tuple[str, ...], columns: int, lived_in: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = on_terminal(lived_in, *command, columns=columns)
    assert seen.status == 0, seen.text
    assert [
        line for line in seen.lines if cells(line) > columns and " " in line.strip()[:-1] and not _whole(line)
    ] == []
    piped = in_process(lived_in, capsys, *command)
    assert (piped.status, piped.err) == (0, "")
    assert not ESCAPE.search(piped.out)
    assert _names(piped.out) <= _names(seen.text), "a path or a name was broken"
    assert [line for line in seen.lines + piped.out.split("\n") if line != line.rstrip()] == []


def _whole(line: str) -> bool:
    """A path or a command, which is never folded, though it may be wider than the screen."""
    return any(len(word) > 25 for word in line.split()) or "backstay" in line


def _names(text: str) -> set[str]:
    """Paths and the names of points and runs."""
    return set(re.findall(r"/[\w/.-]{8,}\w|\b[0-9A-HJKMNP-TV-Z]{26}\b|\b[0-9a-f]{12}\b", text))


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(("--no-color",), {}), ((), {"NO_COLOR": "1"}), ((), {"TERM": "dumb"})],
    ids=["--no-color", "NO_COLOR", "TERM=dumb"],
)
def test_colour_goes_when_told_and_the_words_stay(
    arguments: tuple[str, ...], environment: dict[str, str], lived_in: Place
) -> None:
    coloured = on_terminal(lived_in, "runs")
    plain = on_terminal(lived_in, *arguments, "runs", environment=environment)
    assert ESCAPE.search(coloured.raw)
    assert not ESCAPE.search(plain.raw)
    assert plain.lines[1:] == coloured.lines[1:]


def test_the_first_line_says_how_it_stands_and_the_last_what_to_do(lived_in: Place) -> None:
    lines = on_terminal(lived_in, "status", started=True).text.strip().split("\n")
    assert lines[0].startswith("test, ")
    assert lines[0].endswith("· 2 ok, 1 never, 1 exempt")
    assert lines[-1] == "next: backstay run gone"
    assert any(line.startswith("gone ") and line.endswith(":") for line in lines[7:]), "why, and below what to do"
    assert any(line.startswith("  backstay log ") for line in lines)
    assert "  cache      –  exempt until 31 Mar 2099: rebuilt" in lines


def test_a_group_says_how_far_apart_its_members_are(lived_in: Place) -> None:
    views = {view["workload"]: view for view in lived_in.ask("status")["workloads"]}
    moments = [datetime.fromisoformat(views[name]["as_of"]) for name in ("crm-db", "crm-files")]
    apart = views["crm-db"]["group_spread_s"]
    assert apart == pytest.approx(abs((moments[0] - moments[1]).total_seconds()), abs=0.1)
    assert (views["crm-files"]["group_spread_s"], views["gone"]["group_spread_s"]) == (apart, None)
    said = [line for line in on_terminal(lived_in, "status").lines if line.startswith("group ")]
    assert said == [f"group crm: the newest points of its members are {span(apart)} apart"]


def test_a_plan_has_a_scale_above_its_bars(lived_in: Place) -> None:
    lines = on_terminal(lived_in, "plan", "--hours", "12", columns=200).lines
    marks = next(line for line in lines if line.startswith("  workload"))
    bars = next(line for line in lines if line.startswith("  crm-db"))
    assert len(re.findall(r"\d\d:00", marks)) >= 3, marks
    assert bars.count("▇") >= 5, bars
    start = re.search(r"(?:[A-Z][a-z]{2} )?\d\d:\d\d", bars)  # on another day, with that
    assert start is not None
    assert marks.index("start") == start.start()


@pytest.mark.parametrize(
    "environment",
    [{"LC_ALL": "POSIX"}, {"LC_ALL": "C", "PYTHONIOENCODING": "latin-1"}],
    ids=str,
)
def test_another_encoding_costs_marks_and_no_words(environment: dict[str, str], lived_in: Place) -> None:
    text = in_shell(lived_in, "backstay points | iconv -c -t ascii", **environment)
    assert (text.returncode, text.stderr) == (0, ""), text
    assert "proven" in text.stdout
    document = in_shell(lived_in, "backstay points --json", **environment)
    assert {point["workload"] for point in json.loads(document.stdout)["points"]} == {"crm-files", "crm-db"}


@pytest.mark.parametrize("as_json", ["", " --json"])
def test_a_reader_who_leaves_is_no_failure(as_json: str, lived_in: Place) -> None:
    left = in_shell(lived_in, f"backstay check --effective{as_json} | head -1")
    assert (left.returncode, left.stderr) == (0, "")
    deaf = in_shell(lived_in, f"backstay runs{as_json} | true")
    assert (deaf.returncode, deaf.stderr) == (0, "")
    closed = in_shell(lived_in, f"backstay status --check{as_json} >&-")
    assert (closed.returncode, closed.stderr) == (1, "")


def test_a_reader_who_leaves_does_not_hide_how_it_ended(lived_in: Place) -> None:
    assert in_shell(lived_in, "backstay status --check | true").returncode == 1
    assert in_shell(lived_in, "backstay run nonsense 2>&1 | true").returncode == 2
    assert in_shell(lived_in, "backstay run gone 2>&-").returncode == 1


@pytest.mark.parametrize("as_json", ["", " --json"])
def test_output_that_finds_no_room_is_said(as_json: str, lived_in: Place) -> None:
    full = in_shell(lived_in, f"backstay runs{as_json} >/dev/full")
    assert full.returncode == 1, full
    assert full.stderr == "" if as_json else "standard output cannot be written: No space left" in full.stderr


def test_quiet_is_quiet_wherever_it_stands(lived_in: Place) -> None:
    command = ["drill", "crm-files", "--depth", "L1"]
    loud = lived_in.do(*command)
    assert loud.err.splitlines() == [
        "crm-files: checking the pieces",
        "crm-files: letting the engine check",
        "crm-files: inconclusive",
    ]
    for quiet in (lived_in.do("-q", *command), lived_in.do(*command, "--quiet")):
        assert (quiet.err, quiet.out.splitlines()[:2]) == ("", loud.out.splitlines()[:2])


def test_work_on_a_terminal_moves_and_then_makes_room_for_its_result(lived_in: Place) -> None:
    seen = on_terminal(lived_in, "drill", "crm-db", started=True)
    assert seen.status == 0
    assert "comparing the data" in seen.text
    final = seen.raw.split("\x1b[2K")[-1]
    assert "crm-db, point" in final
    assert "comparing the data" not in final


def test_help_is_quick_whole_and_loads_nothing_heavy(lived_in: Place) -> None:
    shown = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True, env=lived_in.environ())
    assert "..." not in shown.stdout.partition("Commands:")[2]
    assert max(map(len, shown.stdout.splitlines())) <= 80
    command = [sys.executable, "-X", "importtime", PROGRAM, "--help"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    names = {line.rpartition("|")[2].strip() for line in loaded.splitlines()}
    assert names.isdisjoint({"rich", "pydantic", "sqlalchemy", "dbos", "ruamel", "psycopg", "alembic", "keyring"})
    assert min(_processor_time() for _ in range(5)) < 0.2


def _processor_time() -> float:
    """Of one `--help`: what others do to this machine at the same time does not count."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([PROGRAM, "--help"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
