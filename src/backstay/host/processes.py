"""The `Runner`: programs that cannot outlive us, stopped in their own way."""

from __future__ import annotations

import shlex
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from os.path import realpath
from threading import Thread, current_thread, main_thread

from backstay.domain.errors import EngineFailed
from backstay.ports.clock import Clock
from backstay.ports.progress import Progress, Silent
from backstay.ports.runner import Command, Finished, Service
from backstay.ports.secrets import Secrets

from . import leftovers
from .child import Child, Errors, Input
from .command import argv_of, demand, environment_of, program_of
from .holder import InputHolder
from .output import Lines, Tail, Whole
from .pacing import Pacing, Spare
from .pump import Pump

_LAST_LINES = 20


def _let_programs_hear() -> None:
    """Programs inherit what we ignore, and could then not be stopped in their own way; what we catch, they hear.

    A shell that starts us in the background, or nohup, has us ignore such signals. We go on paying them no heed.
    """
    if current_thread() is main_thread():
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            if signal.getsignal(number) is signal.SIG_IGN:
                signal.signal(number, lambda *_: None)


class Processes:
    """Programs on this machine.

    When we stop a program, its whole group goes; what made a session of its own must follow it by itself.
    When we die, however we die, the kernel sends each program its stop signal. What the kernel does not cover is found
    by `sweep` at the next start: a program that ignores that signal or is set-uid, what it started itself, and the
    instant between its birth and its request for the signal. The signal comes when the *thread* that started the
    program ends; every method here stays in that thread until the program is gone.
    """

    def __init__(self, secrets: Secrets, clock: Clock, state: str) -> None:
        self._secrets = secrets
        self._clock = clock
        self._state = realpath(state)
        self._spare = Spare()
        _let_programs_hear()

    def run(
        self,
        command: Command,
        progress: Progress,
        *,
        on_line: Callable[[str], None] | None = None,
        feed: Iterable[bytes] | None = None,
    ) -> Finished:
        began = self._clock.elapsed()
        program = program_of(command)
        out = Lines(program, on_line) if on_line else Whole(program)
        with self._work(command, out.add, progress, stdin="nothing" if feed is None else "fed") as work:
            if feed is not None:
                work.feed(feed)
            status = work.until_end()
            return Finished(status, out.text(), self._hidden(work.err), self._clock.elapsed() - began)

    @contextmanager
    def stream(self, command: Command, progress: Progress) -> Iterator[Iterator[bytes]]:
        chunks: deque[bytes] = deque()
        with self._work(command, chunks.append, progress) as work:
            yield self._chunks(command, work, chunks)

    @contextmanager
    def serve(self, command: Command) -> Iterator[Service]:
        with closing(self._pacing(command)) as pacing:
            child = self._start(command, pacing, stderr="merged")
            log = Tail()
            pump = Pump(child, log.add, log.add, Silent().check)
            follower = Thread(target=_follow, args=(pump,), name=f"log of {program_of(command)}", daemon=True)
            follower.start()
            try:
                with pacing.hold(child):
                    yield _Running(child, log, self._secrets)
            finally:
                child.ask_to_end(_signal(command))
                follower.join(command.grace_s)
                child.send(signal.SIGKILL)
                follower.join()
                child.reap()
                pump.close()

    def sweep(self) -> int:
        return leftovers.sweep(self._state)

    @contextmanager
    def _work(
        self, command: Command, out: Callable[[bytes], None], progress: Progress, *, stdin: Input = "nothing"
    ) -> Iterator[_Work]:
        """A program at work, stopped in its own way if the block is left before it has ended."""
        progress.check()
        with closing(self._pacing(command)) as pacing:
            child = self._start(command, pacing, stdin=stdin)
            err = Tail()
            pump = Pump(child, out, err.add, progress.check)
            with closing(InputHolder(child)) as holder, _stopped(pump, command), pacing.hold(child):
                if stdin == "fed":
                    holder.hold(leftovers.marks(self._state, command.run_id))
                yield _Work(pump, err, holder)

    def _start(self, command: Command, pacing: Pacing, *, stdin: Input = "nothing", stderr: Errors = "apart") -> Child:
        argv, environment = argv_of(command), environment_of(command, self._state)
        demand(["setpriv", "tail", command.argv[0]], environment["PATH"])
        try:
            child = Child(argv, environment, command.cwd, stdin=stdin, stderr=stderr)
        except OSError as error:
            program = program_of(command)
            raise EngineFailed(f"{program} could not be started: {error.strerror}", subject=program) from error
        pacing.take(child)
        return child

    def _pacing(self, command: Command) -> Pacing:
        marks = leftovers.marks(self._state, command.run_id)
        return Pacing(command.pace, marks, self._spare, rereads=command.rereads)

    def _chunks(self, command: Command, work: _Work, chunks: deque[bytes]) -> Iterator[bytes]:
        while not work.pump.ended:
            work.pump.turn()
            while chunks:
                yield chunks.popleft()
        status = work.until_end()
        yield from chunks
        if status != 0:
            raise self._failed(command, status, work.err)

    def _failed(self, command: Command, status: int, err: Tail) -> EngineFailed:
        last = "\n".join(self._hidden(err).splitlines()[-_LAST_LINES:])
        said = f" It said: {last}" if last else ""
        return EngineFailed(
            f"{program_of(command)} ended with status {status}",
            subject=program_of(command),
            hint=f"The command was: {self._secrets.redact(shlex.join(command.argv))}.{said}",
        )

    def _hidden(self, tail: Tail) -> str:
        return self._secrets.redact(tail.text())


@dataclass(frozen=True, slots=True)
class _Work:
    pump: Pump
    err: Tail
    holder: InputHolder

    def feed(self, chunks: Iterable[bytes]) -> None:
        """Write to standard input until all is said or the program no longer listens; how it ended tells why."""
        for chunk in chunks:
            if not self.pump.write(chunk):
                break
        self.holder.close()
        self.pump.child.stdin.close()

    def until_end(self) -> int:
        """Its exit status, with all that it wrote taken in."""
        while not self.pump.ended:
            self.pump.turn()
        self.pump.drain()
        status = self.pump.child.status()
        assert status is not None  # noqa: S101 - for the type checker: it has ended
        return status


@dataclass(frozen=True, slots=True)
class _Running:
    child: Child
    output: Tail
    secrets: Secrets

    @property
    def pid(self) -> int:
        return self.child.pid

    def ended(self) -> int | None:
        return self.child.status()

    def log(self) -> str:
        return self.secrets.redact(self.output.text())


@contextmanager
def _stopped(pump: Pump, command: Command) -> Iterator[None]:
    """Gone when the block is left. Its input is closed last: it must not take our failure for the end of its input."""
    try:
        yield
    finally:
        try:
            if not pump.ended:
                pump.child.ask_to_end(_signal(command))
                pump.ignore_output()
                pump.finish(command.grace_s)
        finally:
            pump.child.reap()
            pump.close()


def _follow(pump: Pump) -> None:
    while not pump.ended:
        pump.turn()
    pump.drain()


def _signal(command: Command) -> signal.Signals:
    return signal.Signals[f"SIG{command.stop}"]
