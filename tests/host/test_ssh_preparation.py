"""The printed preparation is followed to the letter on a real host, and what it allows is enough, and no more."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backstay.app.hosts import preparation
from backstay.domain.errors import ConfigError, NotAdmitted
from backstay.domain.estate import Estate, Host
from backstay.host.ssh.machine import SshMachine
from backstay.ports.progress import Silent
from backstay.ports.runner import Command
from far_hosts import FarHost, Link
from host.ssh_machines import machine_at, outside
from host.test_processes import shell

_NOT_HERE = re.compile(r"(useradd|apt install) .*\n")
"""The test's host has its account and tools; useradd and apt would change the machine below it."""


def prepared(text: str, key: str) -> str:
    part = text.partition("\n# 2.")[2].partition("\n# 3.")[0].partition("\n")[2]
    return _NOT_HERE.sub("", part.replace("PUBLIC_KEY=''", f"PUBLIC_KEY='{key}'"))


def sshd_settings(text: str) -> list[str]:
    return text.partition("\n# 3.")[2].partition("<<END\n")[2].partition("END\n")[0].splitlines()


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Link]:
    with outside(tmp_path_factory.mktemp("far")) as far:
        yield far.link()


@pytest.fixture(scope="module")
def narrow(link: Link) -> FarHost:
    text = preparation(_estate("ssh://backup@10.0.0.1"), "app1")
    host = link.host("narrow", sshd=sshd_settings(text))
    host.call("mount", "-t", "tmpfs", "none", "/usr/local/lib")
    host.call("sh", "-ec", prepared(text, link.far.key.with_suffix(".pub").read_text().strip()))
    host.authorize("# nobody comes in this way")
    return host


@pytest.fixture
def machine(narrow: FarHost, state: Path) -> Iterator[SshMachine]:
    with machine_at(narrow, state) as machine:
        yield machine


def _estate(address: str) -> Estate:
    return Estate("acme", "UTC", {}, {}, {}, hosts={"app1": Host("app1", address)})


def test_a_prepared_host_does_all_that_a_backup_needs(machine: SshMachine) -> None:
    with machine.staging("crm", "vault") as folder:
        machine.write(f"{folder}/list", b"content")
        assert machine.runner.run(Command(("cat", f"{folder}/list")), Silent()).out == "content"
    with machine.reach(9) as port:
        assert port > 0
    assert machine.round_trip()
    assert machine.runner.sweep() == 0


def test_it_reads_every_file_and_changes_none(machine: SshMachine, narrow: FarHost) -> None:
    narrow.call("sh", "-c", "umask 077; echo precious >/run/far/private")
    assert machine.runner.run(Command(("cat", "/run/far/private")), Silent()).out == "precious\n"
    assert machine.runner.run(shell("echo broken >/run/far/private"), Silent()).status != 0
    assert machine.runner.run(Command(("rm", "-f", "/run/far/private")), Silent()).status != 0
    assert narrow.call("cat", "/run/far/private") == "precious\n"


def test_what_reads_every_file_can_be_paced_and_stopped(machine: SshMachine, narrow: FarHost) -> None:
    with machine.runner.serve(Command(("md5sum", "/dev/zero"), pace=lambda: 5e6)) as service:
        time.sleep(1)
        counters = narrow.call("cat", f"/proc/{service.pid}/io")
        assert int(counters.split()[1]) < 60e6
    assert service.ended() == -15


def test_no_way_leads_from_the_host_into_its_network_for_us(link: Link, narrow: FarHost) -> None:
    known = f"UserKnownHostsFile={link.far.ssh / 'known_hosts'}"
    forward = ["-F", "none", "-i", str(link.far.key), "-o", known, "-W", "127.0.0.1:22", f"backup@{narrow.ip}"]
    tunnel = subprocess.run(["ssh", *forward], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert b"SSH-" not in tunnel.stdout
    assert b"prohibited" in tunnel.stderr


def test_a_key_that_may_not_forward_says_what_it_lacks(link: Link, state: Path) -> None:
    host = link.host("closed", sshd=["AllowTcpForwarding no"])
    with (
        machine_at(host, state) as machine,
        pytest.raises(NotAdmitted, match="refused to forward"),
        machine.reach(9),
    ):
        pass


def test_a_host_that_the_estate_does_not_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="there is no host db9"):
        preparation(_estate("ssh://backup@10.0.0.1"), "db9")


def test_root_is_told_what_an_ordinary_account_would_spare() -> None:
    text = preparation(_estate("ssh://root@10.0.0.1:2222"), "app1")
    assert "could not" in text
    assert "ssh -p 2222 root@10.0.0.1 true" in text
