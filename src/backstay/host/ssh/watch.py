"""Our end of the watch on a host."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import count

import asyncssh

from .scripts import sent
from .watching import WATCH

_LONGEST = 64
"""Bytes of an answer, with room to spare. What a shell of the account says as it begins is none."""


class Watch(asyncssh.SSHClientSession[bytes]):
    """Lives in the loop's thread. The methods without a docstring are called by asyncssh."""

    def __init__(self) -> None:
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._numbers = count(1)
        self._awaited: dict[bytes, asyncio.Future[None]] = {}
        self._begun = b""
        self.gone = False

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan
        self._write(sent(WATCH))

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        *lines, begun = (self._begun + data).split(b"\n")
        self._begun = begun[-_LONGEST:]
        for line in lines:
            answered = self._awaited.pop(line, None)
            if answered is not None and not answered.done():
                answered.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        for awaited in self._awaited.values():
            if not awaited.done():
                awaited.set_exception(ConnectionError("the watch is gone"))

    def beat(self) -> None:
        """We are still there."""
        self.tell("beat -")

    async def answer(self) -> None:
        """Say so, and wait until it was heard. ConnectionError if the watch is gone."""
        if self.gone:
            raise ConnectionError("the watch is gone")
        number = f"b{next(self._numbers)}"
        self._awaited[number.encode()] = asyncio.get_running_loop().create_future()
        self.tell(f"beat {number}")
        await self._awaited[number.encode()]

    def kill(self) -> None:
        """Whatever runs in this session, with its group, where sshd lets us: a shell that never came to our script."""
        with contextlib.suppress(OSError):
            if self._channel is not None:
                self._channel.kill()

    def tell(self, line: str) -> None:
        self._write(f"{line}\n".encode())

    def _write(self, line: bytes) -> None:
        with contextlib.suppress(OSError):  # that it is gone is told by `connection_lost`
            if self._channel is not None:
                self._channel.write(line)
