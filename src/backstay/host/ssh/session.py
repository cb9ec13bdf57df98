"""One session on a host: what it writes and how it ends, handed from the loop's thread to that of the work."""

from __future__ import annotations

import contextlib
import signal
from collections import deque
from collections.abc import Callable
from threading import Condition

import asyncssh
from asyncssh.constants import EXTENDED_DATA_STDERR

from .lane import Lane
from .loop import post

FED_AHEAD = 1 << 20
_UNREAD = 128 << 10
"""Bytes of output that may wait for whoever reads them; it has to be woken up, while the link goes on."""

UNNAMED_SIGNAL = -int(signal.SIGRTMAX)
"""sshd names only the signals of RFC 4254; any other looks like this."""


class Session(asyncssh.SSHClientSession[bytes]):
    """The methods without a leading verb of ours are called by asyncssh, in the loop's thread."""

    def __init__(self, err: Callable[[bytes], None], lane: Lane) -> None:
        self._changed = Condition()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._err = err
        self._out: deque[bytes] = deque()
        self._unread = 0
        self._lane = lane
        self._paused = False
        self.status: int | None = None
        self.ended = False
        self.writable = True

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan
        chan.set_write_buffer_limits(FED_AHEAD)

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if datatype == EXTENDED_DATA_STDERR:
            self._err(data)
        else:
            self._keep(data)
        if self._channel is not None:
            if self._paused:
                self._lane.full(self._channel)
            else:
                self._lane.spoke(self._channel, len(data))

    def _keep(self, data: bytes) -> None:
        with self._changed:
            self._out.append(data)
            self._unread += len(data)
            self._paused = self._unread > _UNREAD
            self._changed.notify_all()

    def exit_status_received(self, status: int) -> None:
        self._tell(status=status)

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self._tell(status=_number(signal))

    def eof_received(self) -> bool:
        return True  # its output has ended, its input has not

    def pause_writing(self) -> None:
        self._tell(writable=False)

    def resume_writing(self) -> None:
        self._tell(writable=True)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._channel is not None:
            self._lane.leaves(self._channel)
        self._tell(ended=True, writable=True)

    def _tell(self, **news: object) -> None:
        with self._changed:
            for name, value in news.items():
                setattr(self, name, value)
            self._changed.notify_all()

    def wait(self, seconds: float, happened: Callable[[], bool]) -> None:
        """Until that, or any output, or the end; for so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._out) or self.ended or happened(), seconds)

    def take(self) -> list[bytes]:
        """What it wrote to standard output since the last time."""
        with self._changed:
            taken = list(self._out)
            self._out.clear()
            self._unread = 0
            if self._paused and self._channel is not None:
                self._paused = False
                post(self._lane.wants, self._channel)
        return taken

    def put_back(self, chunk: bytes) -> None:
        """The next to be taken."""
        with self._changed:
            self._out.appendleft(chunk)

    def write(self, chunk: bytes) -> None:
        """To its standard input, in the order of the calls; whoever no longer listens hears nothing."""
        post(self._write, chunk)

    def write_eof(self) -> None:
        post(self._write_eof)

    def close(self) -> None:
        """Let go of it, whatever it does."""
        if self._channel is not None:
            post(self._channel.close)

    def _write(self, chunk: bytes) -> None:
        with contextlib.suppress(OSError):
            if self._channel is not None:
                self._channel.write(chunk)

    def _write_eof(self) -> None:
        with contextlib.suppress(OSError):
            if self._channel is not None:
                self._channel.write_eof()


def _number(name: str) -> int:
    try:
        return -signal.Signals[f"SIG{name}"]
    except KeyError:
        return UNNAMED_SIGNAL
