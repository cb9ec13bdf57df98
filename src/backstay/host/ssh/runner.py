"""The `Runner` for programs on a host."""

from __future__ import annotations

import contextlib
import shlex
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from backstay.domain.errors import EngineFailed, InvariantBroken, Unavailable
from backstay.domain.estate import Host
from backstay.host.command import program_of
from backstay.host.output import Lines, Tail, Whole
from backstay.ports.clock import Clock
from backstay.ports.progress import Progress, Silent
from backstay.ports.runner import Command, Finished, Service
from backstay.ports.secrets import Secrets

from .program import Check, FarProgram, Take
from .ways import Ways

_LAST_LINES = 20


class SshRunner:
    """Programs on one host.

    Each is a session of its own, and so the head of a process group. When we die, or the way is cut, what runs there
    is stopped in its own way within 15 s, and killed after 10 more; nothing depends on what sshd makes of it.
    A `private_network` or a `user` has no meaning on a host: asking for one there is a mistake of ours.
    """

    def __init__(self, host: Host, secrets: Secrets, clock: Clock, ways: Ways) -> None:
        self._host = host
        self._secrets = secrets
        self._clock = clock
        self._ways = ways

    def run(
        self,
        command: Command,
        progress: Progress,
        *,
        on_line: Callable[[str], None] | None = None,
        feed: Iterable[bytes] | None = None,
    ) -> Finished:
        began = self._clock.elapsed()
        program, err = program_of(command), Tail()
        out = Lines(program, on_line) if on_line else Whole(program)
        with self._work(command, progress.check, out.add, err, fed=feed is not None) as work:
            if feed is not None:
                work.feed(feed)
            status = work.until_end()
            return Finished(status, out.text(), self._hidden(err), self._clock.elapsed() - began)

    @contextmanager
    def stream(self, command: Command, progress: Progress) -> Iterator[Iterator[bytes]]:
        chunks: deque[bytes] = deque()
        err = Tail()
        with self._work(command, progress.check, chunks.append, err) as work:
            yield self._chunks(command, work, chunks, err)

    @contextmanager
    def serve(self, command: Command) -> Iterator[Service]:
        log, leaving = Tail(), Event()
        with self._work(command, Silent().check, log.add, log, merged=True) as work:
            follower = Thread(target=_follow, args=(work, leaving), name=f"log of {program_of(command)}", daemon=True)
            follower.start()
            service = _Running(work, log, self._secrets)
            try:
                yield service
            finally:
                leaving.set()
                follower.join()

    def sweep(self) -> int:
        return self._ways.sweep(Silent().check)

    @contextmanager
    def _work(
        self, command: Command, check: Check, out: Take, err: Tail, *, fed: bool = False, merged: bool = False
    ) -> Iterator[FarProgram]:
        """A program at work, stopped in its own way if the block is left before it has ended."""
        if command.private_network or command.user is not None:
            raise InvariantBroken(f"{program_of(command)} cannot be cut off or change its account on a host")
        check()
        work = FarProgram(self._host, self._ways.way(check), command, check, out, err.add)
        try:
            work.begin(fed=fed, merged=merged)
            yield work
        finally:
            work.finish()

    def _chunks(self, command: Command, work: FarProgram, chunks: deque[bytes], err: Tail) -> Iterator[bytes]:
        while work.status is None:
            work.turn()
            while chunks:
                yield chunks.popleft()
        status = work.until_end()
        yield from chunks
        if status != 0:
            raise self._failed(command, status, err)

    def _failed(self, command: Command, status: int, err: Tail) -> EngineFailed:
        last = "\n".join(self._hidden(err).splitlines()[-_LAST_LINES:])
        said = f" It said: {last}" if last else ""
        return EngineFailed(
            f"{program_of(command)} ended with status {status} on {self._host.name}",
            subject=program_of(command),
            hint=f"The command was: {self._secrets.redact(shlex.join(command.argv))}.{said}",
        )

    def _hidden(self, tail: Tail) -> str:
        return self._secrets.redact(tail.text())


class _Running:
    def __init__(self, work: FarProgram, output: Tail, secrets: Secrets) -> None:
        self._work = work
        self._output = output
        self._secrets = secrets

    @property
    def pid(self) -> int:
        """Its number on the host."""
        return self._work.pid

    def ended(self) -> int | None:
        """Its exit status. Unavailable when the way to it was cut."""
        return self._work.ended()

    def log(self) -> str:
        return self._secrets.redact(self._output.text())


def _follow(work: FarProgram, leaving: Event) -> None:
    with contextlib.suppress(Unavailable):  # `ended` tells
        while work.status is None and not leaving.is_set():
            work.turn()
        if work.status is not None:
            work.until_end()
