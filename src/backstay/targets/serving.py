"""A server that is kept running: should it die, another takes its place."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from backstay.domain.errors import BackstayError, Unavailable
from backstay.ports.clock import Clock
from backstay.ports.runner import Command, Runner, Service

_START_S = 40.0
"""The time a start may take: rclone gives up on a target that does not answer before that."""

_LOOK_S = 0.05
_READ_S = 1.0
_PAUSES_S = (0.0, 0.5, 1.0, 2.0, 5.0)


class KeptServer:
    """`command` listens at the Unix socket `path`; `log` has what it said, as of a second ago. One thread starts it,
    watches it and ends it: the kernel ends a program when the thread that started it is gone."""

    def __init__(
        self, runner: Runner, clock: Clock, command: Command, path: str, before_again: Callable[[], object]
    ) -> None:
        """`before_again` is called before a server that died is replaced, while nothing is served."""
        self._runner = runner
        self._clock = clock
        self._command = command
        self._path = path
        self._before_again = before_again
        self._settled = Event()
        self._over = Event()
        self._read_at = 0.0
        self._failure: BackstayError | None = None
        self.log = ""

    @contextmanager
    def running(self, explain: Callable[[str], Unavailable]) -> Iterator[None]:
        """It answers when the context is entered, else the error that `explain` finds in its log is raised."""
        thread = Thread(target=self._keep, name="gateway", daemon=True)
        thread.start()
        try:
            self._settled.wait()
            if self._failure is not None:
                raise self._failure
            if self._over.is_set():
                raise explain(self.log)
            yield
        finally:
            self._over.set()
            thread.join()

    def _keep(self) -> None:
        try:
            self._serve()
        except BackstayError as error:
            self._failure = error
        finally:
            if not self._settled.is_set():
                self._over.set()
                self._settled.set()

    def _serve(self) -> None:
        """The first one must start; those that replace it are tried until we are done."""
        if not self._one():
            return
        failed = 0
        while not self._over.wait(_PAUSES_S[min(failed, len(_PAUSES_S) - 1)]):
            with suppress(Unavailable):
                self._before_again()
                failed = 0 if self._one() else failed
            failed += 1

    def _one(self) -> bool:
        """Serve until it dies or we are done; whether it ever answered."""
        Path(self._path).unlink(missing_ok=True)
        with self._runner.serve(self._command) as service:
            answered = self._wait(service)
            while answered and service.ended() is None and not self._over.wait(_LOOK_S):
                self._read(service)
            self.log = service.log()
        return answered

    def _read(self, service: Service) -> None:
        if self._clock.elapsed() - self._read_at >= _READ_S:
            self.log, self._read_at = service.log(), self._clock.elapsed()

    def _wait(self, service: Service) -> bool:
        until = self._clock.elapsed() + _START_S
        while service.ended() is None and self._clock.elapsed() < until and not self._over.is_set():
            if _listens(self._path):
                self._settled.set()
                return True
            self._clock.sleep(0.01)
        return False


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as knock, suppress(OSError):
        knock.connect(path)
        return True
    return False
