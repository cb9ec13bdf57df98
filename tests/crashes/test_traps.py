"""The traps of the durable runtime, one test for each that applies to us."""

from __future__ import annotations

import json
import secrets
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from acceptance.estates import Place, some_files
from crashes.kinds_estate import KindsEstate
from crashes.slow_estate import SlowEstate, answer_of, end_hard

DAY_MS = 24 * 3600 * 1000
TEXTS = {
    "workflow_status": ("inputs", "output", "error"),
    "workflow_input": ("inputs",),
    "workflow_output": ("output", "error"),
    "operation_outputs": ("output", "error"),
}


def rows(place: Place, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(place.state / "workflows.db")) as database:
        return list(database.execute(query))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
def mortal(tmp_path: Path) -> KindsEstate:
    """One small folder, in the hands of a program that may meet a bug or die."""
    (tmp_path / "vault").mkdir()
    place = Place(tmp_path)
    place.write({"files": f"kind: files, paths: [{some_files(tmp_path / 'files')}]"})
    place.begin("files")
    return KindsEstate(place, None, ("files",))


def test_the_executor_has_a_name_of_its_own_and_its_rows_a_version_that_no_upgrade_changes(slow: SlowEstate) -> None:
    slow.place.ask("run", "quick")
    (found,) = rows(slow.place, "SELECT DISTINCT executor_id, application_version FROM workflow_status")
    assert found[0] not in (None, "", "local")
    assert str(slow.place.state.resolve()) in str(found[0])
    assert found[1] == "backup-1"


def test_a_run_begun_by_another_version_of_the_program_is_recovered(mortal: KindsEstate) -> None:
    # The program that dies has other source code than the one that goes on: the flow's class is another.
    died = mortal.die("after prepare", "files")
    assert died.status == -9, died
    (run,) = mortal.open_runs()
    answer = mortal.do("run", "files", "--json")
    assert [(each["run_id"], each["result"]) for each in answer.document["runs"]] == [(run.run_id, "done")], answer
    steps = rows(mortal.place, "SELECT function_name FROM operation_outputs ORDER BY function_id")
    assert [name for (name,) in steps] == ["admit", "prepare", "copy", "finish"]


def test_rows_are_json_after_a_good_run_a_failed_one_and_a_bug(mortal: KindsEstate) -> None:
    assert mortal.do("run", "files").status == 0
    bug = mortal.die("before copy", "files", victim="nobody")
    assert bug.status == 1, bug
    assert bug.document["runs"][0]["error"]["message"].startswith("a bug of our own stopped this run (KeyError")
    assert "Traceback" not in bug.err
    for path in (mortal.place.root / "files").iterdir():
        path.unlink()
    assert mortal.do("run", "files").status == 1
    found = [
        text
        for table, columns in TEXTS.items()
        for column in columns
        for (text,) in rows(mortal.place, f"SELECT {column} FROM {table}")
        if text is not None
    ]
    assert len(found) >= 3 * 3
    for text in found:
        json.loads(str(text))
    assert any("KeyError" in str(text) for text in found)
    kept = rows(mortal.place, "SELECT DISTINCT serialization FROM workflow_status")
    assert kept == [("backstay_json",)]


@pytest.mark.long
def test_serial_means_one_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    place = Place(tmp_path)
    script = tmp_path / "one.sh"
    script.write_text(f"echo begin >>{tmp_path}/log; sleep 0.4; echo end >>{tmp_path}/log; echo content\n")
    place.write({f"w{n}": f"kind: command, command: [sh, {script}], file_name: f" for n in range(3)})
    place.ask("run", "--all")
    assert (tmp_path / "log").read_text().split() == ["begin", "end"] * 3


@pytest.mark.long
def test_old_rows_of_the_runtime_are_dropped_and_our_records_stay(slow: SlowEstate) -> None:
    old, recent = (slow.place.ask("run", "quick")["runs"][0]["run_id"] for _ in range(2))
    with closing(sqlite3.connect(slow.place.state / "workflows.db")) as database, database:
        late = f"completed_at = completed_at - {31 * DAY_MS}, created_at = created_at - {31 * DAY_MS}"
        database.execute(f"UPDATE workflow_status SET {late} WHERE workflow_uuid = ?", (old,))
    newest = slow.place.ask("run", "quick")["runs"][0]["run_id"]
    left = {name for (name,) in rows(slow.place, "SELECT workflow_uuid FROM workflow_status")}
    assert left == {recent, newest}
    steps = {name for (name,) in rows(slow.place, "SELECT workflow_uuid FROM operation_outputs")}
    assert old not in steps
    assert {old, recent, newest} <= {run["run_id"] for run in slow.place.ask("runs")["runs"]}
    assert len(slow.points("quick")) == 3


def test_no_secret_in_durable_rows_nor_anywhere_else_in_the_state(tmp_path: Path) -> None:
    canary = secrets.token_hex(16)
    (tmp_path / "vault").mkdir()
    place = Place(tmp_path, {"REPOSITORY_KEY": canary})
    place.write({"files": f"kind: files, paths: [{some_files(tmp_path / 'files')}]"})
    estate = tmp_path / "estate.yaml"
    address = f"{{url: {tmp_path / 'vault'}}}"
    estate.write_text(estate.read_text().replace(address, address[:-1] + ', password: "env:REPOSITORY_KEY"}'))
    place.ask("run", "files")
    place.environment["REPOSITORY_KEY"] = secrets.token_hex(16)
    failed = place.do("run", "files", "--json")
    assert failed.status == 1, failed
    spoken = failed.out + failed.err
    for word in (canary, place.environment["REPOSITORY_KEY"]):
        assert word not in spoken
        for path in (each for each in place.state.rglob("*") if each.is_file()):
            assert word.encode() not in path.read_bytes(), path


def ports(process: psutil.Process) -> list[object]:
    """Its internet sockets; none for a producer's short-lived child that has gone meanwhile."""
    try:
        return list(process.net_connections("inet"))
    except psutil.NoSuchProcess:
        return []


def test_the_runtime_opens_no_port_and_says_nothing(slow: SlowEstate) -> None:
    running = slow.start("run", "slow")
    slow.producing()
    process = psutil.Process(running.pid)
    everybody = (process, *process.children(recursive=True))
    assert [each for one in everybody for each in ports(one)] == []
    slow.let_it_end()
    answer = answer_of(running)
    assert answer.status == 0, answer
    assert all(line.startswith("slow: ") for line in answer.err.splitlines()), answer.err
    assert answer.out.splitlines()[-1] == "1 of 1 good"


def test_a_queued_run_starts_within_a_second_and_a_half(parallel: SlowEstate) -> None:
    running = parallel.start("run", "slow")
    parallel.producing()
    parallel.place.ask("run", "quick")
    waits = []
    for _ in range(3):
        run = parallel.place.ask("run", "quick")["runs"][0]
        waits.append((moment(run["started_at"]) - moment(run["requested_at"])).total_seconds())
    assert min(waits) < 0.75, waits
    assert sorted(waits)[1] < 1.5, waits
    end_hard(running)


def test_a_cancelled_run_leaves_no_stack_trace(slow: SlowEstate) -> None:
    running = slow.start("run", "slow")
    slow.producing()
    slow.place.ask("cancel", slow.run_of("slow")["run_id"])
    answer = answer_of(running)
    assert answer.status == 1
    assert all(line.startswith("slow: ") for line in answer.err.splitlines()), answer.err
