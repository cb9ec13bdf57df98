"""What a host is given that may have been taken over: the rights of its own door, whatever this account's settings."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from backstay.ports.progress import Silent
from backstay.ports.runner import Command
from far_hosts import FarHost, FarHosts
from host.ssh_machines import machine_at, outside
from host.waiting import until

GENEROUS = """
Host *
  ForwardAgent yes
  ForwardX11 yes
  ForwardX11Trusted yes
  SendEnv CANARY
  SetEnv GIVEN=away
  RequestTTY force
  RemoteCommand cat /etc/passwd
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null ~/.ssh/known_hosts
"""
NOTE = 'command="env >>/home/backup/given; exec sh -c \\"$SSH_ORIGINAL_COMMAND\\""'


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FarHosts]:
    """An account that is generous to every host it logs in to, and has its key in an agent only."""
    monkeypatch.setenv("DISPLAY", ":7")
    with outside(tmp_path / "net") as far:
        yield far


@pytest.fixture
def agent(far: FarHosts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = far.folder / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL) as agent:
        until(path.exists)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        subprocess.run(["ssh-add", "-q", str(far.key)], check=True)
        far.key.unlink()
        yield path
        agent.terminate()


@pytest.fixture
def taken(far: FarHosts) -> FarHost:
    """A host that takes whatever it is offered, and notes it."""
    host = far.link().host("taken", sshd=["AcceptEnv *", "X11Forwarding yes", "AllowAgentForwarding yes"])
    host.authorize(f"{NOTE} {far.key.with_suffix('.pub').read_text().strip()}")
    return host


def test_a_host_gets_neither_our_agent_nor_our_screen_nor_our_environment(
    far: FarHosts, taken: FarHost, agent: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = token_hex(16)
    monkeypatch.setenv("CANARY", canary)
    (far.ssh / "config").write_text(GENEROUS)
    with machine_at(taken, state) as machine:
        assert machine.runner.run(Command(("echo", "well")), Silent()).out == "well\n"
    given = taken.call("cat", "/home/backup/given")
    assert "SSH_CONNECTION=" in given
    assert canary not in given
    assert not {"SSH_AUTH_SOCK", "DISPLAY", "GIVEN", "SSH_TTY"} & {line.partition("=")[0] for line in given.split("\n")}
