"""Accounts whose own shell has something to say, or to do, before it comes to what we ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backstay.domain.errors import MachineLacks, Unavailable
from backstay.ports.progress import Silent
from backstay.ports.runner import Command
from far_hosts import FarHost
from host.ssh_machines import machine_at, outside
from host.waiting import until

BASH = "sed 's,^\\(backup:.*\\):/bin/sh$,\\1:/bin/bash,' /etc/passwd >/run/far/bash && cat /run/far/bash >/etc/passwd"


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarHost]:
    """A host whose account has bash, which reads ~/.bashrc also when sshd starts it."""
    with outside(tmp_path_factory.mktemp("far")) as far:
        host = far.link().host("talker")
        host.call("sh", "-c", BASH)
        yield host


def begins_with(host: FarHost, lines: str) -> None:
    host.call("sh", "-c", f"cat >/home/backup/.bashrc <<'END'\n{lines}\nEND")


@pytest.mark.parametrize(
    "lines",
    [
        "echo Welcome to $(hostname)",
        "printf 'no end of line'; echo 4711; echo ready; echo b1",
        "printf '\\377\\376 no text\\n'; head -c 100000 /dev/zero | tr '\\0' .",
        "echo complaint >&2; trap 'echo bye' EXIT; umask 000; cd /; alias sh=false",
    ],
    ids=["a greeting", "words like ours", "bytes without end", "other habits"],
)
def test_what_a_shell_says_as_it_begins_is_not_taken_for_what_a_program_says(
    talker: FarHost, state: Path, lines: str
) -> None:
    begins_with(talker, lines)
    with machine_at(talker, state) as machine:
        said = machine.runner.run(Command(("cat",)), Silent(), feed=[b"what was asked"])
        assert (said.status, said.out) == (0, "what was asked")
        with machine.staging("crm", "vault") as folder:
            machine.write(f"{folder}/note", b"kept")
            assert talker.call("stat", "-c", "%a", folder, f"{folder}/note") == "700\n600\n"
    until(lambda: talker.processes() == {})


@pytest.mark.long
def test_a_shell_that_never_comes_to_us_is_unavailable_and_does_not_stay(talker: FarHost, state: Path) -> None:
    begins_with(talker, "sleep 4720")
    with machine_at(talker, state) as machine, pytest.raises(Unavailable, match="does not come to what we ask") as told:
        machine.runner.run(Command(("true",)), Silent())
    assert "~/.bashrc" in str(told.value.hint)
    until(lambda: talker.processes() == {})


@pytest.mark.long
def test_a_shell_that_talks_without_end_is_given_up_and_does_not_stay(talker: FarHost, state: Path) -> None:
    begins_with(talker, "yes")
    with machine_at(talker, state) as machine, pytest.raises(Unavailable, match="does not come to what we ask"):
        machine.runner.run(Command(("true",)), Silent())
    until(lambda: talker.processes() == {})


def test_a_home_that_takes_nothing_is_told_with_what_to_look_at(talker: FarHost, state: Path) -> None:
    begins_with(talker, ":")
    talker.call("chown", "root:", "/home/backup")
    talker.call("chmod", "755", "/home/backup")
    try:
        with machine_at(talker, state) as machine:
            with pytest.raises(MachineLacks, match="home folder, on talker") as told:
                machine.runner.run(Command(("cat",)), Silent(), feed=[b"x"])
            assert "may write to it" in str(told.value.hint)
    finally:
        talker.call("chown", "backup:", "/home/backup")
