"""What a host owes us, and we it, whatever becomes of the way between."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex
from threading import Thread

import pytest

from backstay.domain.errors import Cancelled, EngineFailed, InvariantBroken, MachineLacks, NotAdmitted, Unavailable
from backstay.domain.estate import Host
from backstay.domain.secrets import Secret
from backstay.host.clock import SystemClock
from backstay.host.secrets import HostSecrets
from backstay.host.ssh.machine import SshMachine
from backstay.ports.progress import Silent
from backstay.ports.runner import Command
from far_hosts import FarHost, FarHosts, Link
from host.ssh_machines import machine_at, outside
from host.test_processes import shell
from host.waiting import until

GONE_WITHIN_S = 30.0

_WORKER = """
import sys
from backstay.domain.estate import Host
from backstay.host.clock import SystemClock
from backstay.host.secrets import HostSecrets
from backstay.host.ssh.machine import SshMachine
from backstay.ports.progress import Silent
from backstay.ports.runner import Command
address, state = sys.argv[1:]
machine = SshMachine(Host("app1", address), HostSecrets(), SystemClock(), state)
with machine.staging("crm", "vault") as folder:
    machine.write(f"{folder}/note", b"half done")
    machine.runner.run(Command(("sh", "-c", "sleep 4711")), Silent())
"""

_FEEDER = """
import sys, time
from backstay.domain.estate import Host
from backstay.host.clock import SystemClock
from backstay.host.secrets import HostSecrets
from backstay.host.ssh.machine import SshMachine
from backstay.ports.progress import Silent
from backstay.ports.runner import Command
def half():
    yield b"the beginning"
    time.sleep(600)
machine = SshMachine(Host("app1", sys.argv[1]), HostSecrets(), SystemClock(), sys.argv[2])
script = "trap '' TERM; head -c 3 >~/began; cat >/dev/null; echo >~/whole; sleep 4719"
machine.runner.run(Command(("sh", "-c", script), grace_s=1.0), Silent(), feed=half())
"""


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarHosts]:
    with outside(tmp_path_factory.mktemp("far")) as far:
        yield far


@pytest.fixture(scope="module")
def link(far: FarHosts) -> Link:
    return far.link()


@pytest.fixture(scope="module")
def app1(link: Link) -> FarHost:
    return link.host("app1")


@pytest.fixture
def machine(app1: FarHost, state: Path) -> Iterator[SshMachine]:
    with machine_at(app1, state) as machine:
        yield machine
    until(lambda: app1.processes() == {})


def runs_there(host: FarHost, line: str) -> Callable[[], bool]:
    return lambda: any(line in each for each in host.processes().values())


@contextmanager
def running_there(machine: SshMachine, host: FarHost, script: str) -> Iterator[list[BaseException]]:
    """A script that runs in another thread of ours meanwhile, up to its last command; then, how it ended for us."""
    became: list[BaseException] = []

    def run() -> None:
        try:
            machine.runner.run(shell(script), Silent())
        except Unavailable as error:
            became.append(error)

    thread = Thread(target=run)
    thread.start()
    try:
        until(runs_there(host, script.rpartition("; ")[2]))
        yield became
    finally:
        thread.join()


@contextmanager
def cut_off(host: FarHost) -> Iterator[None]:
    host.cut()
    try:
        yield
    finally:
        host.heal()


def test_nothing_of_ours_is_left_when_all_is_well(machine: SshMachine, app1: FarHost) -> None:
    machine.runner.run(Command(("true",)), Silent())
    with machine.staging("crm", "vault") as folder:
        machine.write(f"{folder}/sums", b"content")
    machine.close()
    until(lambda: app1.processes() == {})
    assert app1.call("find", "/home/backup").splitlines() == ["/home/backup"]


def test_a_way_that_is_cut_ends_what_ran_there_and_what_it_left_is_gone_before_the_next_try(
    machine: SshMachine, app1: FarHost, link: Link, state: Path
) -> None:
    other = link.host("app2")
    with (
        machine_at(other, state) as far_machine,
        running_there(far_machine, other, "true; sleep 4712"),
        running_there(machine, app1, "trap '' TERM; sleep 4713") as became,
    ):
        began = time.monotonic()
        with cut_off(other):
            with cut_off(app1):
                until(lambda: bool(became), GONE_WITHIN_S)
            assert time.monotonic() - began < 15
            assert isinstance(became[0], Unavailable)
            assert became[0].retry
            assert runs_there(app1, "sleep 4713")()
            machine.runner.run(Command(("true",)), Silent())
            assert not runs_there(app1, "sleep 4713")()
            until(lambda: other.processes() == {}, GONE_WITHIN_S)
        assert time.monotonic() - began < GONE_WITHIN_S


@pytest.mark.long
def test_a_program_that_does_not_want_to_end_is_gone_in_time_too(machine: SshMachine, app1: FarHost) -> None:
    with running_there(machine, app1, "trap '' TERM; sleep 4714"), cut_off(app1):
        until(lambda: app1.processes() == {}, GONE_WITHIN_S)


def test_a_host_that_reboots_is_unavailable_and_then_there_again(machine: SshMachine, app1: FarHost) -> None:
    with running_there(machine, app1, "true; sleep 4714") as became:
        app1.reboot()
        until(lambda: bool(became))
    assert isinstance(became[0], Unavailable)
    assert machine.runner.run(shell("hostname"), Silent()).out == "app1\n"


def test_our_sudden_death_ends_what_ran_there(app1: FarHost, state: Path) -> None:
    worker = subprocess.Popen([sys.executable, "-c", _WORKER, app1.address, str(state)])
    try:
        until(runs_there(app1, "sleep 4711"))
    finally:
        worker.kill()
        worker.wait()
    until(lambda: app1.processes() == {}, GONE_WITHIN_S)
    assert "note" in app1.call("find", "/home/backup")
    with machine_at(app1, state) as next_one:
        assert next_one.runner.sweep() == 0
        assert app1.call("find", "/home/backup", "-name", "note") == ""


def test_our_sudden_death_is_not_the_end_of_what_a_program_reads(app1: FarHost, state: Path) -> None:
    worker = subprocess.Popen([sys.executable, "-c", _FEEDER, app1.address, str(state)])
    try:
        until(lambda: "began" in app1.call("ls", "/home/backup") and runs_there(app1, "cat")())
    finally:
        worker.kill()
        worker.wait()
    until(lambda: app1.processes() == {}, GONE_WITHIN_S)
    assert app1.call("ls", "/home/backup").split() == ["began"]
    app1.call("rm", "/home/backup/began")


def test_a_sweep_kills_what_a_dead_process_left_and_nobody_elses(
    app1: FarHost, state: Path, machine: SshMachine
) -> None:
    mine = {"BACKSTAY_STATE": f"{os.uname().nodename}:{state}"}
    dead = {**mine, "BACKSTAY_OWNER": "4194000:17:abcd"}
    others = {"BACKSTAY_STATE": "elsewhere:/state", "BACKSTAY_OWNER": "4194000:17:abcd"}
    with (
        machine.runner.serve(Command(("sleep", "4715"), dead)),
        machine.runner.serve(Command(("sleep", "4716"), others)),
    ):
        assert machine.runner.sweep() == 1
        until(lambda: not runs_there(app1, "sleep 4715")())
        assert runs_there(app1, "sleep 4716")()


FORGED = ("1:1:zz{0}BACKSTAY_OWNER=folder /home/victim 4194000:17:abcd", "4194000:17:abcd")


@pytest.mark.parametrize("forged", [FORGED[0].format("\n"), FORGED[0].format("\\n"), FORGED[1]])
def test_marks_that_another_account_of_the_host_made_up_harm_nobody(
    link: Link, far: FarHosts, state: Path, forged: str
) -> None:
    """The account with which we come is the one that may do everything there."""
    host = link.host(f"root{token_hex(2)}", account="root")
    host.call("mkdir", "/home/victim")
    mallory = ("setpriv", "--reuid=61413", "--regid=61413", "--clear-groups", "env", "-i", "PATH=/usr/bin:/bin")
    marks = (f"BACKSTAY_STATE={os.uname().nodename}:{state}", f"BACKSTAY_OWNER={forged}")
    with machine_at(host, state) as machine:
        program = subprocess.Popen(host.inside(*mallory, *marks, "sleep", "4717"))
        try:
            until(runs_there(host, "sleep 4717"))
            assert machine.runner.sweep() == 0
            assert program.poll() is None
            assert "victim" in host.call("ls", "/home").split()
        finally:
            program.kill()
            program.wait()


def test_an_unknown_key_is_for_a_person_to_look_at(link: Link, far: FarHosts, state: Path) -> None:
    stranger = link.host("stranger")
    (far.ssh / "known_hosts").write_text("")
    with (
        machine_at(stranger, state) as machine,
        pytest.raises(NotAdmitted, match="not the one in known_hosts") as refused,
    ):
        machine.runner.run(Command(("true",)), Silent())
    assert not refused.value.retry
    assert f"ssh-keyscan {stranger.ip}" in str(refused.value.hint)


def test_a_changed_key_lets_nobody_in(link: Link, far: FarHosts, state: Path) -> None:
    host = link.host("changed")
    host.new_host_key()
    host.reboot()
    with machine_at(host, state) as machine, pytest.raises(NotAdmitted, match="not the one in known_hosts") as refused:
        machine.round_trip()
    assert f"ssh-keygen -R {host.ip}" in str(refused.value.hint)


def test_a_refused_account_says_what_to_try(app1: FarHost, far: FarHosts, state: Path) -> None:
    far.know(app1)
    machine = machine_at(app1, state, f"ssh://mallory@{app1.ip}")
    with pytest.raises(NotAdmitted, match="refused the login") as refused:
        machine.runner.run(Command(("true",)), Silent())
    assert f"ssh mallory@{app1.ip}" in str(refused.value.hint)


def test_an_account_without_a_shell_says_what_to_try(app1: FarHost, state: Path) -> None:
    machine = machine_at(app1, state, f"ssh://nobody@{app1.ip}")
    with pytest.raises(NotAdmitted, match="no shell"):
        machine.runner.run(Command(("true",)), Silent())


def test_a_host_that_is_not_there_is_unavailable(link: Link, state: Path) -> None:
    host = Host("gone", f"ssh://backup@{link.network}.200:22")
    machine = SshMachine(host, HostSecrets(), SystemClock(), str(state))
    with pytest.raises(Unavailable, match=r"gone .* does not answer"):
        machine.runner.run(Command(("true",)), Silent())


def test_waiting_for_a_host_can_be_stopped(link: Link, state: Path) -> None:
    class Impatient(Silent):
        began = time.monotonic()

        def check(self) -> None:
            if time.monotonic() - self.began > 0.5:
                raise Cancelled("enough")

    host = Host("gone", f"ssh://backup@{link.network}.201")
    with SshMachine(host, HostSecrets(), SystemClock(), str(state)) as machine, pytest.raises(Cancelled):
        machine.runner.run(Command(("true",)), Impatient())
    assert time.monotonic() - Impatient.began < 3


def test_no_space_over_there_says_so(link: Link, state: Path) -> None:
    full = link.host("full", home_bytes=64 * 1024)
    with machine_at(full, state) as machine, machine.staging("crm", "vault") as folder:
        with pytest.raises(MachineLacks, match="No space left on device"):
            machine.write(f"{folder}/large", bytes(200_000))
        assert full.call("find", folder, "-type", "f") == ""


def test_a_secret_is_in_no_argument_and_no_file_over_there(machine: SshMachine, app1: FarHost) -> None:
    secret = token_hex(16)
    command = Command(("sh", "-c", "read line; exec sleep 4717"), env={"PASSWORD": Secret(secret)})
    seen: list[str] = []

    def slowly() -> Iterator[bytes]:
        for _ in range(20):
            seen.extend(app1.processes().values())
            yield b"-"
        yield b"\n"
        until(runs_there(app1, "sleep 4717"))
        assert app1.call("sh", "-c", f"grep -rlsF {secret} /home /run/far /var/tmp || true") == ""
        raise EngineFailed("seen enough")

    with pytest.raises(EngineFailed, match="seen enough"):
        machine.runner.run(command, Silent(), feed=slowly())
    assert any("sh -c" in line for line in seen)
    assert not any(secret in line for line in seen)


def test_a_staging_folder_is_the_same_at_every_run_private_and_empty(machine: SshMachine, app1: FarHost) -> None:
    with machine.staging("crm", "vault") as first:
        machine.write(f"{first}/old", b"")
        assert app1.call("stat", "-c", "%a %U", first, f"{first}/old") == "700 backup\n600 backup\n"
    with machine.staging("crm", "vault") as second, machine.staging("crm", "offsite") as other:
        assert first == second != other
        assert app1.call("ls", "-A", second) == ""


def test_what_has_no_meaning_over_there_is_our_mistake(machine: SshMachine) -> None:
    for command in (Command(("true",), user="postgres"), Command(("true",), private_network=True)):
        with pytest.raises(InvariantBroken):
            machine.runner.run(command, Silent())


def test_more_programs_than_sshd_allows_wait_for_a_later_try(machine: SshMachine) -> None:
    sleeping = machine.runner.serve
    with ExitStack() as stack:
        for _ in range(9):
            stack.enter_context(sleeping(Command(("sleep", "4718"))))
        with pytest.raises(Unavailable, match="no further session"):
            machine.runner.run(Command(("true",)), Silent())
