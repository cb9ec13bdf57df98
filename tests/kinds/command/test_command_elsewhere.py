"""A command that is run on another machine: nothing of it is looked for on this one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from backstay.domain.errors import SourceFailed
from backstay.domain.estate import CommandSource, Workload
from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.kinds.command import CommandKind
from backstay.ports.engine import Stream
from backstay.ports.kind import HoldRequest
from backstay.ports.progress import Progress, Silent
from backstay.ports.runner import Command, Finished
from kinds_at_work import judge, workload


class Elsewhere(Processes):
    """A machine with programs of its own, in a folder that this one does not search."""

    programs = ""

    def run(
        self,
        command: Command,
        progress: Progress,
        *,
        on_line: Callable[[str], None] | None = None,
        feed: Iterable[bytes] | None = None,
    ) -> Finished:
        return super().run(self._there(command), progress, on_line=on_line, feed=feed)

    @contextmanager
    def stream(self, command: Command, progress: Progress) -> Iterator[Iterator[bytes]]:
        with super().stream(self._there(command), progress) as chunks:
            yield chunks

    def _there(self, command: Command) -> Command:
        return replace(command, env={**command.env, "PATH": f"{self.programs}:{os.environ['PATH']}"})


@pytest.fixture
def kind(runner: Processes, tmp_path: Path) -> CommandKind:
    there = Elsewhere(HostSecrets(), SystemClock(), str(tmp_path / "state"))
    there.programs = str(tmp_path / "programs")
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "only-there").write_text("#!/bin/sh\necho from there\n")
    (tmp_path / "programs" / "only-there").chmod(0o755)
    return CommandKind(runner, SystemClock(), there=there)


def of(*command: str) -> Workload:
    return workload(CommandSource(command, "stream.txt"))


def test_a_program_that_only_the_other_machine_has_is_run_there(kind: CommandKind, place: Path) -> None:
    protected = of("only-there")
    with kind.hold(HoldRequest(protected, "run", str(place)), Silent()) as held:
        assert isinstance(held.source, Stream)
        (place / "stream.txt").write_bytes(b"".join(held.source.chunks()))
        recorded = held.fingerprint(Silent())
    assert (place / "stream.txt").read_text() == "from there\n"
    assert [one.result for one in judge(kind, protected, place, place, recorded)] == ["passed"] * 3


def test_a_program_that_is_not_there_is_told_before_anything_is_copied(kind: CommandKind) -> None:
    with pytest.raises(SourceFailed, match="no-such-program is not a program on the machine of the source"):
        kind.look(of("no-such-program"), Silent())
