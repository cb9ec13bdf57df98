"""What comes of a backup over SSH when the way, the host or we go in the middle of it, and what is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from acceptance.estates import Answer, leftovers
from far.far_estates import FarEstate
from far_hosts import FarHost
from host.waiting import running, until

GONE_WITHIN_S = 30.0


class Accident:
    """The backup of `app1` in its middle: packs of its first point have arrived."""

    def __init__(self, far: FarEstate, program: subprocess.Popen[str]) -> None:
        self.far, self.host, self.program = far, far.app1, program
        self.doomed = list(far.app1.processes())

    def left_there(self) -> list[int]:
        """Processes of this backup that still run on the host."""
        return [pid for pid in self.doomed if running(pid)]

    def tell_engines(self, number: signal.Signals) -> None:
        for pid, line in self.host.processes().items():
            if line.startswith("restic"):
                os.kill(pid, number)

    def ended(self) -> Answer:
        """How the backup ends, without anybody's help."""
        out, err = self.program.communicate(timeout=170)
        return Answer(self.program.returncode, out, err)


@contextmanager
def in_the_middle(far: FarEstate, megabytes: float = 20) -> Iterator[Accident]:
    far.fill(far.app1, megabytes)
    program = far.place.start("run", "one", "--json")
    try:
        until(lambda: len(list(far.place.repository("one").glob("data/*/*"))) >= 2, 60)
        assert far.engines(far.app1) != []
        yield Accident(far, program)
    finally:
        program.kill()
        program.communicate()


def all_is_true(far: FarEstate) -> None:
    """Every run that says so has its one point in the catalog and its one snapshot in the repository, and no other
    has one; nothing of any is left anywhere; the next run is done, and what all left is proven."""
    _points_are_those_of_runs(far)
    assert far.place.ask("run", "one")["runs"][0]["result"] == "done"
    _points_are_those_of_runs(far)
    assert far.place.ask("drill", "one")["drills"][0]["verdict"] == "proven"
    assert far.place.ask("status")["workloads"][0]["state"] == "ok"
    assert leftovers(far.place) == []
    assert far.app1.processes() == {}
    assert far.app1.call("ls", "-A", "/home/backup").split() == ["tree"]


def _points_are_those_of_runs(far: FarEstate) -> None:
    runs = far.place.ask("runs", "one")["runs"]
    assert {run["result"] for run in runs} <= {"done", "failed"}
    done = {run["run_id"]: run["point"] for run in runs if run["result"] == "done"}
    assert [run["point"] for run in runs if run["result"] == "failed"] == [None] * (len(runs) - len(done))
    assert sorted(point["point"] for point in far.place.points("one")) == sorted(done.values())
    stored = json.loads(far.place.restic("one", "snapshots", "--json"))
    tags = [tag.removeprefix("run:") for each in stored for tag in each["tags"] if tag.startswith("run:")]
    assert sorted(tags) == sorted(done)


def new_tree(host: FarHost) -> None:
    """What a machine that was set up again has of it."""
    make = "mkdir -p /home/backup/tree; echo again >/home/backup/tree/0; chown -R backup: /home/backup"
    host.call("sh", "-c", make)


def own_temporary_folder(host: FarHost, size: str) -> None:
    """Not that of this machine, of which sshd there needs no more than its log."""
    log = "/run/far/log"
    keep = f"mkdir {log} && mount --bind {host.folder} {log}"
    bring = f"mkdir -p {host.folder} && mount --bind {log} {host.folder}"
    host.call("sh", "-c", f"{keep} && mount -t tmpfs -o mode=1777,size={size} none /tmp && {bring}")


def test_a_host_that_is_away_for_a_while_is_waited_for_and_the_run_ends_well_by_itself(far: FarEstate) -> None:
    far.app2.cut()
    program = far.place.start("run", "--json")  # what is due; nobody asked for it by name
    try:
        until(lambda: _told_to_wait(far, "two") >= 2, 90)  # each try takes ten seconds
        far.app2.heal()
        out, err = program.communicate(timeout=150)
    finally:
        program.kill()
        program.communicate()
    runs = {run["workload"]: run for run in json.loads(out)["runs"]}
    assert {name: run["result"] for name, run in runs.items()} == {"one": "done", "two": "done"}
    assert "two: app2 (backup@" in err
    assert "next try" in err
    assert far.place.points("two") != []


def _told_to_wait(far: FarEstate, workload: str) -> int:
    """How often its log says that something does not answer."""
    runs = far.place.ask("runs", workload)["runs"]
    lines = far.place.ask("log", runs[0]["run_id"])["lines"] if runs else []
    return sum("does not answer" in line["text"] and "next try" in line["text"] for line in lines)


@pytest.mark.long
def test_a_host_that_is_frozen_for_forty_seconds_is_backed_up_by_the_same_run(far: FarEstate) -> None:
    with in_the_middle(far) as accident:
        accident.host.cut()
        began = time.monotonic()
        until(lambda: accident.left_there() == [], GONE_WITHIN_S)
        time.sleep(began + 40 - time.monotonic())
        accident.host.heal()
        answer = accident.ended()
    assert (answer.status, [run["result"] for run in answer.document["runs"]]) == (0, ["done"]), answer
    all_is_true(far)


@pytest.mark.long
def test_a_host_that_reboots_is_backed_up_again_or_fails_clearly(far: FarEstate) -> None:
    with in_the_middle(far) as accident:
        accident.host.power_off()
        assert accident.left_there() == []
        accident.host.boot()
        new_tree(accident.host)
        answer = accident.ended()
    (run,) = answer.document["runs"]
    assert run["result"] == "done" or run["error"]["hint"], answer
    all_is_true(far)


@pytest.mark.long
def test_our_sudden_death_leaves_nothing_there_and_one_point_comes_of_the_run(far: FarEstate) -> None:
    with in_the_middle(far) as accident:
        accident.program.send_signal(signal.SIGKILL)
        until(lambda: accident.left_there() == [], GONE_WITHIN_S)
    far.place.ask("run", "one")
    assert len(far.place.ask("runs", "one")["runs"]) == 1
    all_is_true(far)


@pytest.mark.long
def test_a_key_that_changes_between_two_tries_ends_the_run_and_nothing_more_is_said_to_that_host(
    far: FarEstate,
) -> None:
    with in_the_middle(far) as accident:
        accident.host.power_off()
        accident.host.new_host_key()
        accident.host.boot()
        new_tree(accident.host)
        answer = accident.ended()
    (run,) = answer.document["runs"]
    assert (answer.status, run["result"], run["error"]["code"]) == (5, "failed", "not_admitted"), answer
    assert "ssh-keygen -R" in run["error"]["hint"]
    assert far.place.points("one") == []
    (far.far.ssh / "known_hosts").write_text("")
    far.far.know(far.app1)
    far.far.know(far.app2)
    all_is_true(far)


@pytest.mark.long
def test_a_disk_over_there_that_fills_in_the_middle_fails_the_run_and_names_the_host(far: FarEstate) -> None:
    """restic keeps a few packs of 4 MiB in temporary files until they are sent; here are nine."""
    own_temporary_folder(far.app1, "40m")
    with in_the_middle(far, 36) as accident:
        accident.tell_engines(signal.SIGSTOP)  # or it could be done sooner than the disk is full
        far.app1.call("sh", "-c", "head -c 1G /dev/zero >/tmp/full 2>/dev/null || true")
        accident.tell_engines(signal.SIGCONT)
        answer = accident.ended()
    (run,) = answer.document["runs"]
    assert (answer.status, run["result"], run["error"]["code"]) == (1, "failed", "machine"), answer
    assert "app1" in run["error"]["message"], answer
    far.app1.call("rm", "/tmp/full")
    all_is_true(far)


@pytest.mark.long
def test_a_gateway_that_is_killed_twice_is_replaced_and_the_same_try_ends_well(far: FarEstate) -> None:
    with in_the_middle(far) as accident:
        for _ in range(2):
            until(lambda: bool(gateways(far)), 20)
            for pid in gateways(far):
                os.kill(pid, signal.SIGKILL)
        answer = accident.ended()
    (run,) = answer.document["runs"]
    assert (answer.status, run["result"]) == (0, "done"), answer
    assert "next try" not in answer.err
    all_is_true(far)


def gateways(far: FarEstate) -> list[int]:
    """Servers behind the doors of this estate."""
    mark = f"BACKSTAY_STATE={far.place.state.resolve()}".encode()
    lines = {int(path.parent.name): path for path in Path("/proc").glob("[0-9]*/cmdline")}
    return [pid for pid, line in lines.items() if _is_gateway(line, mark)]


def _is_gateway(line: Path, mark: bytes) -> bool:
    with contextlib.suppress(OSError):
        words = line.read_bytes().split(b"\0")
        return words[0].endswith(b"/rclone") and mark in line.with_name("environ").read_bytes().split(b"\0")
    return False
