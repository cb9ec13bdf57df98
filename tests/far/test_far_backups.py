"""Backups of hosts over SSH: what comes of them, and what is left of them when the way or the host goes."""

from __future__ import annotations

import signal
import time

import pytest

from acceptance.estates import leftovers
from far.far_estates import FarEstate
from far_hosts import FarHost
from host.waiting import until

GONE_WITHIN_S = 30.0


def test_files_of_two_hosts_are_backed_up_and_proven_and_nothing_is_left_there(far: FarEstate) -> None:
    runs = far.place.ask("run", "--all")["runs"]
    assert {run["workload"]: run["result"] for run in runs} == {"one": "done", "two": "done"}
    drills = far.place.ask("drill", "--all")["drills"]
    assert [drill["verdict"] for drill in drills] == ["proven", "proven"]
    for host in (far.app1, far.app2):
        assert host.processes() == {}
        assert host.call("sh", "-c", "ls -A /home/backup").split() == ["tree"]
    assert leftovers(far.place) == []


def test_a_second_backup_of_an_unchanged_host_sends_next_to_nothing(far: FarEstate) -> None:
    far.place.ask("run", "one")
    (again,) = far.place.ask("run", "one")["runs"]
    assert again["bytes_added"] < 100_000
    assert far.place.ask("drill", "one")["drills"][0]["verdict"] == "proven"


def test_the_output_of_a_command_on_a_host_is_backed_up_and_proven(far: FarEstate) -> None:
    far.place.write(
        {"dump": "kind: command, host: app1, command: [cat, /home/backup/tree/0], file_name: zero"},
        more=f"hosts:\n  app1: {{address: '{far.app1.address}'}}\n",
    )
    assert far.place.ask("run", "dump")["runs"][0]["result"] == "done"
    assert far.place.ask("drill", "dump")["drills"][0]["verdict"] == "proven"


def test_a_host_with_an_unknown_key_is_not_talked_to(far: FarEstate) -> None:
    far.app1.new_host_key()
    far.app1.reboot()
    answer = far.place.do("run", "one", "--json")
    (run,) = answer.document["runs"]
    assert (answer.status, run["result"], run["error"]["code"]) == (5, "failed", "not_admitted"), answer
    assert "ssh-keygen -R" in run["error"]["hint"]
    assert far.place.points("one") == []


def test_a_refused_account_is_told_once_and_the_other_host_is_backed_up(far: FarEstate) -> None:
    far.app1.authorize("")
    answer = far.place.do("run", "--all", "--json")
    runs = {run["workload"]: run for run in answer.document["runs"]}
    assert (answer.status, runs["one"]["result"], runs["two"]["result"]) == (3, "failed", "done"), answer
    assert "refused the login" in runs["one"]["error"]["message"]


def test_no_room_at_the_far_end_fails_the_run_and_says_so(far: FarEstate) -> None:
    far.app1.call("sh", "-c", "head -c 1G /dev/zero >/home/full 2>/dev/null || true")
    answer = far.place.do("run", "one", "--json")
    (run,) = answer.document["runs"]
    assert (answer.status, run["result"]) == (1, "failed"), answer
    assert "room in the account's home folder" in run["error"]["hint"]
    assert far.place.points("one") == []


@pytest.mark.long
@pytest.mark.parametrize("happens", ["cut", "reboot", "kill"])
def test_after_an_accident_nothing_runs_there_within_half_a_minute_and_one_point_comes_of_it(
    far: FarEstate, happens: str
) -> None:
    far.fill(far.app1, 20)
    program = far.place.start("run", "one", "--json")
    until(lambda: far.engines(far.app1) != [], 60)
    time.sleep(2)
    _accident(far.app1, happens)
    if happens == "kill":
        program.send_signal(signal.SIGKILL)
    until(lambda: far.engines(far.app1) == [], GONE_WITHIN_S)
    _heal(far.app1, happens)
    program.communicate(timeout=150)
    if program.returncode != 0:
        far.place.ask("run", "one")
    assert len(far.place.points("one")) == 1
    assert far.place.ask("drill", "one")["drills"][0]["verdict"] == "proven"
    assert far.place.ask("status")["workloads"][0]["state"] == "ok"
    assert leftovers(far.place) == []


def _accident(host: FarHost, happens: str) -> None:
    if happens == "cut":
        host.cut()
    elif happens == "reboot":
        host.power_off()


def _heal(host: FarHost, happens: str) -> None:
    if happens == "cut":
        host.heal()
    elif happens == "reboot":
        host.boot()
        host.call(
            "sh", "-c", "mkdir -p /home/backup/tree; echo again >/home/backup/tree/0; chown -R backup: /home/backup"
        )
