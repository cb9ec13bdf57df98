"""`serve`, and windows that close while runs wait or work."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from acceptance.estates import Place, leftovers, some_files
from host.waiting import until


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


def clock(moment: datetime) -> str:
    return f'"{moment:%H:%M}"'


def test_what_is_due_waits_for_its_window_and_what_is_asked_for_by_name_does_not(place: Place) -> None:
    now = datetime.now(UTC)
    hours = f"open: {clock(now + timedelta(hours=2))}, close: {clock(now + timedelta(hours=3))}"
    tree = {"tree": f"kind: files, paths: [{place.root / 'tree'}]"}
    place.write(tree, policy="{rpo: 1d, window: night}", more=f"timezone: UTC\nwindows:\n  night: {{{hours}}}\n")
    assert place.ask("run", "--due")["runs"] == []
    (run,) = place.ask("run", "tree")["runs"]
    assert run["result"] == "done"


def test_with_stop_a_run_is_stopped_when_its_window_closes_and_is_due_again(place: Place) -> None:
    now = datetime.now(UTC)
    closes = (now + timedelta(minutes=1)).replace(second=0, microsecond=0)
    if closes - now < timedelta(seconds=12):
        closes += timedelta(minutes=1)
    hours = f"open: {clock(now - timedelta(hours=1))}, close: {clock(closes)}, overrun: stop"
    slow = {"slow": "kind: command, command: [sh, -c, 'while echo x; do sleep 0.1; done'], file_name: x"}
    place.write(slow, policy="{rpo: 1d, window: night}", more=f"timezone: UTC\nwindows:\n  night: {{{hours}}}\n")
    answer = place.do("run", "--due", "--json", timeout=100)
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
