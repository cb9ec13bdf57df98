"""A port on a host that leads to one of ours."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import asyncssh

from .lane import Lane

_BUFFER = 8 << 10
"""Here and in the kernel: until these are full, a far end does not feel that its rate was cut."""


def leading_to(port: int, lane: Lane) -> Callable[[str, int], Awaitable[asyncssh.SSHTCPSession[bytes]]]:
    """What is done for each connection made there.

    Ours is the receiving end of a backup: whoever reads behind `port` sets the pace, and everything that may pile up
    before it is kept small, so that the far end feels it at once.
    """

    async def connected(origin: str, origin_port: int) -> asyncssh.SSHTCPSession[bytes]:
        far = _FarEnd(lane)
        try:
            await asyncio.get_running_loop().create_connection(lambda: far.near, sock=await _connection(port))
        except OSError as error:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "nobody listens") from error
        return far

    return connected


async def _connection(port: int) -> socket.socket:
    near = socket.socket()
    near.setblocking(False)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        await asyncio.get_running_loop().sock_connect(near, ("127.0.0.1", port))
    except OSError:
        near.close()
        raise
    return near


class _FarEnd(asyncssh.SSHTCPSession[bytes]):
    """The channel to the host; called by asyncssh."""

    def __init__(self, lane: Lane) -> None:
        self.near = _NearEnd(self)
        self.lane = lane
        self.full = False
        self.channel: asyncssh.SSHTCPChannel[bytes] | None = None

    def connection_made(self, chan: asyncssh.SSHTCPChannel[bytes]) -> None:
        self.channel = chan

    def session_started(self) -> None:
        self.near.start()

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if not self.near.transport.is_closing():
            self.near.transport.write(data)
        if self.channel is not None and not self.full:
            self.lane.spoke(self.channel, len(data))

    def eof_received(self) -> bool:
        if self.near.transport.can_write_eof() and not self.near.transport.is_closing():
            with contextlib.suppress(OSError):  # whoever listens here broke off; asyncio hears of it next
                self.near.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        self.near.transport.pause_reading()

    def resume_writing(self) -> None:
        self.near.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.near.transport.close()
        if self.channel is not None:
            self.lane.leaves(self.channel)


class _NearEnd(asyncio.Protocol):
    """The connection to our own port; called by asyncio."""

    transport: asyncio.Transport

    def __init__(self, far: _FarEnd) -> None:
        self._far = far

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker: it is one of TCP
        self.transport = transport
        transport.set_write_buffer_limits(_BUFFER)
        transport.pause_reading()

    def start(self) -> None:
        """The channel is open: what we have to say can be taken."""
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self._far.channel is not None and not self._far.channel.is_closing():
            self._far.channel.write(data)

    def eof_received(self) -> bool:
        if self._far.channel is not None and not self._far.channel.is_closing():
            self._far.channel.write_eof()
        return True

    def pause_writing(self) -> None:
        if self._far.channel is not None:
            self._far.full = True
            self._far.lane.full(self._far.channel)

    def resume_writing(self) -> None:
        if self._far.channel is not None:
            self._far.full = False
            self._far.lane.wants(self._far.channel)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._far.channel is not None:
            self._far.channel.close()
