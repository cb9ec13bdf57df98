"""The kind `command`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from shutil import which

from blake3 import blake3

from backstay.domain.errors import EngineFailed, InvariantBroken, SourceFailed
from backstay.domain.estate import CommandSource, Workload
from backstay.domain.points import Fingerprint
from backstay.domain.runs import Amount
from backstay.ports.clock import Clock
from backstay.ports.engine import Stream
from backstay.ports.kind import HoldRequest, Look, RaiseRequest
from backstay.ports.progress import Progress
from backstay.ports.runner import Command, Runner

from .raised import METHOD, RaisedStream


class CommandKind:
    """The standard output of a command, run by `there` if that is given, for its workload lies on another machine.

    What is restored is asked on this one, by `runner`.
    """

    name = "command"
    sealed = False

    def __init__(self, runner: Runner, clock: Clock, *, there: Runner | None = None) -> None:
        self._runner = runner
        self._clock = clock
        self._there = there

    def look(self, workload: Workload, progress: Progress) -> Look:
        program = _source(workload).command[0]
        found, where = which(program) is not None, "this machine"
        if self._there is not None:
            found, where = _has(self._there, program, progress), "the machine of the source"
        if not found:
            hint = f"Install {program}, or give its whole path in `command`."
            raise SourceFailed(f"{program} is not a program on {where}", subject=workload.name, hint=hint)
        return Look(Amount())

    @contextmanager
    def hold(self, request: HoldRequest, progress: Progress) -> Iterator[HeldCommand]:
        self.look(request.workload, progress)
        yield HeldCommand(request, self._there or self._runner, progress, self._clock.now())

    @contextmanager
    def raise_elsewhere(self, request: RaiseRequest, progress: Progress) -> Iterator[RaisedStream]:
        fingerprint = request.fingerprint
        # As it was called then: the estate file may name another one by now.
        file_name = fingerprint.facts.get("file") if fingerprint else None
        file_name = file_name or _source(request.workload).file_name
        yield RaisedStream(request.folder, file_name, fingerprint, self._runner, self._clock)

    def runbook(self, workload: Workload, folder: str) -> tuple[str, ...]:
        # What reads such a stream only the user knows; what can be said is where it lies and that it is whole.
        return (f"ls -l -- {shlex.quote(os.path.join(folder, _source(workload).file_name))}",)


@dataclass(slots=True)
class HeldCommand:
    """A command about to be run, once for each time that its chunks are asked for."""

    request: HoldRequest
    runner: Runner
    progress: Progress
    as_of: datetime
    amount: None = None
    _seen: tuple[int, str] | None = field(default=None, init=False)

    @property
    def source(self) -> Stream:
        return Stream(_source(self.request.workload).file_name, self._chunks)

    def fingerprint(self, progress: Progress) -> Fingerprint:
        if self._seen is None:
            raise InvariantBroken("a stream is fingerprinted while it is copied, and it was not copied to its end")
        size, digest = self._seen
        facts = {"file": _source(self.request.workload).file_name, "bytes": size, "blake3": digest}
        return Fingerprint(METHOD, Amount(bytes=size), facts)

    def _chunks(self) -> Iterator[bytes]:
        """What the command writes. Ends only if it ended well: an engine that sees no end makes no snapshot."""
        workload, size, digest = self.request.workload, 0, blake3()
        self._seen = None
        try:
            with self.runner.stream(
                Command(_source(workload).command, run_id=self.request.run_id), self.progress
            ) as out:
                for chunk in out:
                    size += len(chunk)
                    digest.update(chunk)
                    yield chunk
        except EngineFailed as error:
            raise SourceFailed(error.message, subject=workload.name, hint=error.hint) from error
        if size == 0 and not workload.plausible.empty:
            raise SourceFailed(
                f"{_source(workload).command[0]} wrote nothing",
                subject=workload.name,
                hint="If that is as it should be, say `plausible: {empty: true}` on the workload.",
            )
        self._seen = (size, digest.hexdigest())


def _has(there: Runner, program: str, progress: Progress) -> bool:
    script = 'command -v "$1" >/dev/null'
    return there.run(Command(("sh", "-c", script, "sh", program)), progress).status == 0


def _source(workload: Workload) -> CommandSource:
    if not isinstance(workload.source, CommandSource):
        raise InvariantBroken(f"{workload.name} is not a workload of a command", subject=workload.name)
    return workload.source
