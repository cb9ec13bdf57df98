"""The pipes to a child: what it writes and reads, moved without threads."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import time
from collections.abc import Callable
from typing import IO

from .child import Child

CHUNK = 1 << 20
CHECK_EVERY_S = 0.25


class Pump:
    """Moves what a child writes and reads, in the calling thread, until the child has ended.

    The end is the program's own: something in the background that keeps the pipes open does not hold us up.
    """

    def __init__(
        self, child: Child, out: Callable[[bytes], None], err: Callable[[bytes], None], check: Callable[[], None]
    ) -> None:
        self.ended = False
        self.child = child
        self._out = out
        self._check = check
        self._next_check = time.monotonic()
        self._selector = selectors.DefaultSelector()
        self._selector.register(child.pidfd, selectors.EVENT_READ, self._end)
        if child.process.stdin is not None:
            _open_wide(child.process.stdin)
        self._watch(child.process.stdout, lambda chunk: self._out(chunk))
        self._watch(child.process.stderr, err)

    def turn(self, seconds: float = CHECK_EVERY_S) -> None:
        """Wait until something happens, for so long at most, and act on it."""
        self._happen(seconds)
        if time.monotonic() >= self._next_check:
            self._check()
            self._next_check = time.monotonic() + CHECK_EVERY_S

    def drain(self) -> None:
        """Read what still lies in the pipes of a child that has ended."""
        # One read empties a pipe; whoever still writes into it afterwards is not the child.
        self._happen(0)

    def write(self, chunk: bytes) -> bool:
        """Hand all of it to the child, reading its output meanwhile; False if it no longer listens."""
        stdin = self.child.stdin
        left = memoryview(chunk)
        self.turn(0)
        self._selector.register(stdin, selectors.EVENT_WRITE, _nothing)
        try:
            while left and not self.ended:
                left = left[_write(stdin, left) :]
                if left:
                    self.turn()
        except BrokenPipeError:
            return False
        finally:
            self._selector.unregister(stdin)
        return not left

    def finish(self, seconds: float) -> bool:
        """Go on until it ends; False if it has not after so long."""
        until = time.monotonic() + seconds
        while not self.ended and time.monotonic() < until:
            self._happen(max(0.0, until - time.monotonic()))
        return self.ended

    def ignore_output(self) -> None:
        """From now on its standard output is thrown away, so that nobody can object to it."""
        self._out = _forget

    def close(self) -> None:
        self._selector.close()

    def _happen(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            key.data()

    def _end(self) -> None:
        self.ended = True
        self._selector.unregister(self.child.pidfd)

    def _watch(self, pipe: IO[bytes] | None, take: Callable[[bytes], None]) -> None:
        if pipe is not None:
            _open_wide(pipe)
            self._selector.register(pipe, selectors.EVENT_READ, lambda: self._read(pipe, take))

    def _read(self, pipe: IO[bytes], take: Callable[[bytes], None]) -> None:
        chunk = os.read(pipe.fileno(), CHUNK)
        if chunk:
            take(chunk)
        else:
            self._selector.unregister(pipe)


def _write(stdin: IO[bytes], left: memoryview) -> int:
    try:
        return os.write(stdin.fileno(), left)
    except BlockingIOError:
        return 0


def _open_wide(pipe: IO[bytes]) -> None:
    """A pipe of 1 MiB needs fewer turns than one of 64 KiB; an account that used up its share keeps the small one."""
    os.set_blocking(pipe.fileno(), False)
    with contextlib.suppress(PermissionError):
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, CHUNK)


def _nothing() -> None:
    return None


def _forget(chunk: bytes) -> None:
    return None
