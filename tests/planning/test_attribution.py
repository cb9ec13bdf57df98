"""Where the time of runs went: told from their records, and nothing that no record holds."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acceptance.estates import Place
from backstay.catalog.catalog import open_catalog
from backstay.domain.runs import Run
from backstay.host.clock import SystemClock
from backstay.planning.live.attribution import Held, Spent, spent, together
from terminal.seeing import in_process

NOW = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


ASKED = Run("r", "crm", "restic", "vault", "full", NOW, "due")
ADMITTED = replace(ASKED, admitted_at=at(130), started_at=at(131))
DONE = replace(ADMITTED, ended_at=at(400), result="done", moving_s=240.0, bound_by="link:wan")


def moved(seconds: float, held_by: str | None = None, *, waited: float = 0.0) -> Run:
    return replace(DONE, admitted_at=at(waited), ended_at=at(waited + seconds), moving_s=seconds, bound_by=held_by)


def test_a_run_says_how_long_it_waited_moved_and_did_all_else() -> None:
    assert spent(DONE) == Spent(waiting_s=130.0, moving_s=240.0, other_s=30.0, held_by="link:wan")


@pytest.mark.parametrize(
    ("run", "said"),
    [
        pytest.param(ASKED, Spent(None, None, None, None), id="still waits"),
        pytest.param(ADMITTED, Spent(130.0, None, None, None), id="under way"),
        pytest.param(
            replace(ASKED, ended_at=at(60), result="skipped"), Spent(60.0, None, None, None), id="never began"
        ),
        pytest.param(
            replace(ADMITTED, ended_at=at(190), result="failed"),
            Spent(130.0, None, 60.0, None),
            id="nothing came of it",
        ),
        pytest.param(
            replace(DONE, admitted_at=None), Spent(131.0, 240.0, 29.0, "link:wan"), id="of a version that kept less"
        ),
        pytest.param(
            replace(DONE, ended_at=at(-3600)), Spent(130.0, 240.0, 0.0, "link:wan"), id="the clock was set back"
        ),
        pytest.param(
            replace(DONE, admitted_at=at(-3600), ended_at=at(-3300)),
            Spent(0.0, 240.0, 60.0, "link:wan"),
            id="the clock was set back while it waited",
        ),
    ],
)
def test_what_a_record_does_not_say_is_not_told(run: Run, said: Spent) -> None:
    assert spent(run) == said


def test_of_many_runs_each_limit_has_the_moving_time_of_those_that_it_held() -> None:
    runs = [moved(30, "link:wan", waited=10), moved(31, "link:wan"), moved(30), moved(9, "target:nas1", waited=840)]
    told = together([*runs, replace(ADMITTED, ended_at=at(190), result="failed")])
    assert told.held == (Held("link:wan", 2, 0.61), Held(None, 1, 0.30), Held("target:nas1", 1, 0.09))
    assert (told.runs, told.moving_s, told.waiting_s, told.longest_waiting_s) == (5, 100.0, 980.0, 840.0)


@pytest.mark.parametrize(
    ("held_by", "advice"),
    [
        ("target:nas1", "Faster storage at target nas1, and then a higher `write`, would shorten them."),
        ("link:wan", "More of link wan for backups would shorten them."),
        ("host:app1", "A higher `read` of host app1 would shorten them, if its disk carries more."),
        (None, None),
    ],
)
def test_what_held_most_of_the_time_is_advised(held_by: str | None, advice: str | None) -> None:
    assert together([moved(60, held_by), moved(40, "link:other")]).advice == advice


def test_where_limits_take_turns_none_is_advised() -> None:
    assert together([moved(40, "target:nas1"), moved(35, "link:wan"), moved(25)]).advice is None


def test_without_runs_nothing_is_claimed() -> None:
    told = together([])
    assert (told.runs, told.held, told.advice) == (0, (), None)


limits = st.sampled_from(["target:nas1", "target:vault", "link:wan", "host:app1", None])
runs = st.builds(moved, st.floats(0, 1e5), limits, waited=st.floats(0, 1e5))


@given(st.lists(runs))
def test_faster_storage_is_advised_only_where_a_target_held_most_of_the_moving_time(measured: list[Run]) -> None:
    told = together(measured)
    assert sum(one.part for one in told.held) == pytest.approx(1 if told.moving_s else 0)
    assert sum(one.runs for one in told.held) == sum(run.moving_s != 0 for run in measured)
    by_storage = [
        sum(run.moving_s or 0.0 for run in measured if run.bound_by == target)
        for target in ("target:nas1", "target:vault")
    ]
    if told.advice and "storage" in told.advice:
        assert max(by_storage) >= told.moving_s / 2 * (1 - 1e-9)
    else:
        assert max(by_storage) <= told.moving_s / 2 * (1 + 1e-9)


# --- as it is shown ---


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An estate with one workload, whose target takes 1 MB/s."""
    there = Place(tmp_path)
    (tmp_path / "vault").mkdir()
    (tmp_path / "source").mkdir()
    there.write({"crm": f"kind: files, paths: [{tmp_path}/source]"})
    estate = tmp_path / "estate.yaml"
    estate.write_text(estate.read_text().replace(f"{{url: {there.vault}}}", f"{{url: {there.vault}, write: 1MB/s}}"))
    return there


def remember(place: Place, *runs: Run) -> None:
    """Runs of a while ago, as an executor leaves them."""
    catalog = open_catalog(f"sqlite:///{place.state}/catalog.db", SystemClock())
    for run in runs:
        catalog.add_run(run)
    catalog.close()


def test_a_run_that_its_target_held_says_so_and_the_plan_too(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    (place.root / "source" / "noise").write_bytes(os.urandom(5_000_000))
    (run,) = in_process(place, capsys, "run", "crm", "--json").document["runs"]
    assert (run["result"], run["held_by"]) == ("done", "target vault")
    assert run["bytes_moved"] > 5_000_000
    assert 4 < run["moving_s"] < 60
    whole = datetime.fromisoformat(run["ended_at"]) - datetime.fromisoformat(run["requested_at"])
    parts = run["waiting_s"] + run["moving_s"] + run["other_s"]
    assert parts == pytest.approx(whole.total_seconds(), abs=0.01)
    assert in_process(place, capsys, "log", run["run_id"], "--json").document["run"] == run
    assert "held most often by target vault\n" in in_process(place, capsys, "log", run["run_id"]).out
    lately = in_process(place, capsys, "plan", "--json").document["lately"]
    assert lately["held"] == [{"limit": "target vault", "runs": 1, "part": 1.0}]
    shown = in_process(place, capsys, "plan").out
    assert ": target vault held 1 of 1 run, for 100 % of the moving time" in shown
    assert "  Faster storage at target vault" in shown


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (
            DONE,
            "waited 2 min 10 s for its turn · moved 7.0 MB in 4 min · 30 s for all else"
            " · held most often by our share of link wan",
        ),
        (
            replace(DONE, bound_by=None),
            "waited 2 min 10 s for its turn · moved 7.0 MB in 4 min · 30 s for all else"
            " · held by no limit of ours: its source, engine, line or storage set its pace",
        ),
        # Nothing is said to have held what was over before anybody looked.
        (
            replace(DONE, bound_by=None, moving_s=2.0, ended_at=at(140)),
            "waited 2 min 10 s for its turn · moved 7.0 MB in 2.0 s · 8.0 s for all else",
        ),
        (replace(ASKED, ended_at=at(60), result="skipped"), "waited 1 min for its turn"),
        (ASKED, ""),
    ],
)
def test_the_log_of_a_run_begins_with_where_its_time_went(
    run: Run, said: str, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    in_process(place, capsys, "runs")
    remember(place, replace(run, bytes_moved=7_000_000))
    lines = in_process(place, capsys, "log", run.run_id).out.split("\n")
    assert lines[1].strip() == said
    assert [line for line in lines if line != line.rstrip()] == []


def test_a_plan_says_what_held_the_runs_of_the_last_day(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_process(place, capsys, "runs")
    now = SystemClock().now()
    hours = {"wan": ("link:wan", 2, 610), "none": (None, 3, 390), "old": ("link:wan", 30, 9000)}
    for name, (limit, ago, moving_s) in hours.items():
        asked = now - timedelta(hours=ago)
        begun, ended = asked + timedelta(minutes=14), asked + timedelta(seconds=840 + moving_s)
        remember(
            place,
            Run(
                name, "crm", "restic", "vault", "full", asked, "due",
                admitted_at=begun, started_at=begun, ended_at=ended, result="done", moving_s=moving_s, bound_by=limit,
            ),
        )  # fmt: skip
    shown = in_process(place, capsys, "plan").out
    assert (
        ": link wan held 1 of 2 runs, for 61 % of the moving time; nothing of ours held 1 of 2 runs, for 39 %"
        " of the moving time; the longest waited 14 min for its turn\n"
        "  More of link wan for backups would shorten them.\n"
    ) in shown
    monkeypatch.setattr("backstay.app.plan.MOST_RUNS", 1)
    lately = in_process(place, capsys, "plan", "--json").document["lately"]
    newest = in_process(place, capsys, "runs", "--json").document["runs"][0]
    assert (lately["from_at"], lately["runs"]) == (newest["requested_at"], 1), "it says how far back was looked"
