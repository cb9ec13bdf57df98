"""`serve`, and windows that close while runs wait or work."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from acceptance.estates import PROGRAM, Answer, Place, leftovers, some_files
from host.waiting import until
from nursery import First, nursery


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    place.vault.mkdir()
    some_files(tmp_path / "tree")
    some_files(tmp_path / "other")
    yield place
    assert leftovers(place) == []


def test_a_served_estate_has_its_points_taken_follows_what_is_asked_for_and_ends_when_told(place: Place) -> None:
    trees = {name: f"kind: files, paths: [{place.root / name}]" for name in ("tree", "other")}
    place.write(trees, policy="{rpo: 1h}")
    place.begin(*trees)
    served = place.start("serve")
    try:
        until(lambda: all(place.points(name) for name in trees), 60)
        (run,) = place.ask("run", "tree")["runs"]
        assert run["result"] == "done"
        assert len(place.points("tree")) == 2
        assert place.do("serve").status == 4
        assert len(place.points("other")) == 1
    finally:
        served.send_signal(signal.SIGTERM)
        _, err = served.communicate(timeout=30)
    assert served.returncode == 130, err
    assert "Traceback" not in err


@contextmanager
def serving(place: Place) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[str], bool]]]:
    """A program that serves, and whether it has said something."""
    said = place.root / "said"
    with said.open("wb") as err, subprocess.Popen([PROGRAM, "serve"], env=place.environ(), stderr=err) as served:
        try:
            yield served, lambda words: words in said.read_text()
        finally:
            served.send_signal(signal.SIGTERM)
            assert served.wait(30) == 130, said.read_text()
    assert "Traceback" not in said.read_text()


def test_a_changed_file_takes_effect_and_a_run_under_way_ends_by_the_one_before(place: Place) -> None:
    go_on, begun = place.root / "go-on", place.root / "begun"
    waiting = f"touch {begun}; until [ -e {go_on} ]; do sleep 0.1; done; echo all"
    beside = "workflow: parallel\n"
    place.write({"slow": f"kind: command, command: [sh, -c, '{waiting}'], file_name: x"}, more=beside)
    place.begin("slow", "tree")
    with serving(place) as (_, said):
        until(begun.exists, 60)
        place.write({"tree": f"kind: files, paths: [{place.root / 'tree'}]"}, policy="{rpo: 2h}", more=beside)
        until(lambda: bool(place.points("tree")), 60)
        assert said("estate.yaml was read anew: 1 workload (1 new, 1 gone)")
        (slow,) = [run for run in place.ask("runs")["runs"] if run["workload"] == "slow"]
        assert slow["result"] is None
        go_on.touch()
        until(lambda: place.ask("runs")["runs"][-1]["result"] is not None, 30)
        assert [run["result"] for run in place.ask("runs")["runs"]] == ["done", "done"]


def test_a_wrong_file_is_told_with_its_line_and_the_one_before_stays_in_force(place: Place) -> None:
    tree = {"tree": f"kind: files, paths: [{place.root / 'tree'}]"}
    place.write(tree)
    place.begin(*tree)
    file, right = place.root / "estate.yaml", place.root / "right.yaml"
    right.write_bytes(file.read_bytes())
    with serving(place) as (served, said):
        until(lambda: bool(place.points("tree")), 60)
        place.write(tree, policy="{rpo: 15}")
        until(lambda: said("estate.yaml:5: policies.p.rpo: '15' is not a span; write 15m, 2h or 1d; the estate"), 20)
        place.write(tree, more="catalog: env:CATALOG\n")
        until(lambda: said("estate.yaml: catalog: cannot change while serve runs"), 20)
        file.unlink()
        until(lambda: said("estate.yaml: cannot be read: no such file or directory"), 20)
        (run,) = place.ask("--estate", str(right), "run", "tree")["runs"]
        assert run["result"] == "done"
        file.write_bytes(right.read_bytes())
        until(lambda: said("estate.yaml was read again, and says what is in force"), 20)
        assert not said("read anew")
        served.send_signal(signal.SIGHUP)
        until(lambda: (place.root / "said").read_text().count("was read again") == 2, 20)


def clock(moment: datetime) -> str:
    return f'"{moment:%H:%M}"'


def test_what_is_due_waits_for_its_window_and_what_is_asked_for_by_name_does_not(place: Place) -> None:
    now = datetime.now(UTC)
    hours = f"open: {clock(now + timedelta(hours=2))}, close: {clock(now + timedelta(hours=3))}"
    tree = {"tree": f"kind: files, paths: [{place.root / 'tree'}]"}
    place.write(tree, policy="{rpo: 1d, window: night}", more=f"timezone: UTC\nwindows:\n  night: {{{hours}}}\n")
    place.begin(*tree)
    assert place.ask("run", "--due")["runs"] == []
    (run,) = place.ask("run", "tree")["runs"]
    assert run["result"] == "done"


def test_with_stop_a_run_is_stopped_when_its_window_closes_and_is_due_again(place: Place) -> None:
    now = datetime.now(UTC)
    closes = now.replace(second=0, microsecond=0)
    hours = f"open: {clock(now - timedelta(hours=1))}, close: {clock(closes)}, overrun: stop"
    slow = {"slow": "kind: command, command: [sh, -c, 'while echo x; do sleep 0.1; done'], file_name: x"}
    place.write(slow, policy="{rpo: 1d, window: night}", more=f"timezone: UTC\nwindows:\n  night: {{{hours}}}\n")
    place.begin(*slow)
    begins = First("acceptance.another_time", "it_is", {"now": str(closes - timedelta(seconds=10))})
    answer = Answer(*nursery().run(("run", "--due", "--json"), place.environ(), first=begins))
    (run,) = answer.document["runs"]
    assert (run["result"], run["error"]["message"]) == ("cancelled", "stopped: its window has closed"), answer
    assert place.ask("runs", "slow")["runs"][0]["result"] == "cancelled"
    assert place.points("slow") == []


def test_a_month_and_the_patterns_can_be_read_by_a_program(place: Place) -> None:
    place.write({"tree": f"kind: files, paths: [{place.root / 'tree'}]"}, policy="{rpo: 1d}")
    month = place.ask("simulate", "--days", "31")
    assert len(month["days"]) == len(month["storage"]) == 31
    assert month["gaps"][0]["workload"] == "tree"
    assert {each["name"] for each in place.ask("compare")["patterns"]} >= {"serial", "static", "hybrid", "planner"}
