"""Backups of hosts over SSH: what comes of them, and of a host that is not what it should be."""

from __future__ import annotations

from acceptance.estates import leftovers
from far.far_estates import FarEstate


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
