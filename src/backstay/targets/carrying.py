"""One connection through a passage: what comes in on one side goes out on the other."""

from __future__ import annotations

import selectors
import socket
from contextlib import suppress
from typing import Protocol

from backstay.ports.clock import Clock

from .pace import Pace

_AT_ONCE = 256 * 1024


class Paced(Protocol):
    """What all connections of a passage share."""

    pace: Pace
    bytes: int
    connections: set[Connection]


class _Way:
    """One direction. `held` are bytes that were taken in and did not yet fit out at the other side."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source = source
        self.sink = sink
        self.held = memoryview(b"")
        self.ended = False


class Connection:
    """A client's socket and a server's, both ours to close; known to the passage until it ends.

    Nothing more is taken in before what was taken went out, so that whoever sends feels whoever is slow. `carried` are
    bytes in both directions, `began_at` is by the clock's `elapsed`.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        passage: Paced,
        client: socket.socket,
        server: socket.socket,
        clock: Clock,
    ) -> None:
        self._selector = selector
        self._passage = passage
        self._clock = clock
        self._ends = (client, server)
        self._ways = (_Way(client, server), _Way(server, client))
        self._wanted = dict.fromkeys(self._ends, 0)
        self.paused = False
        self.carried = 0
        self.began_at = clock.elapsed()
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        passage.connections.add(self)
        self._listen()

    def resume(self) -> None:
        """The pace allows something again."""
        if self.paused:
            self.paused = False
            self._listen()

    def close(self) -> None:
        """End both sides at once."""
        self._passage.connections.discard(self)
        for end in self._ends:
            if self._wanted.pop(end, 0):
                self._selector.unregister(end)
            end.close()

    def _turn(self, way: _Way) -> None:
        """Carry on what can be carried now."""
        if not way.held and not way.ended:
            self._take(way)
        if way.held:
            with suppress(BlockingIOError):
                way.held = way.held[way.sink.send(way.held) :]
        if way.ended and not way.held:
            with suppress(OSError):  # the other side may be gone altogether
                way.sink.shutdown(socket.SHUT_WR)

    def _take(self, way: _Way) -> None:
        allowed = self._passage.pace.allowance(self._clock.elapsed(), _AT_ONCE)
        if not allowed:
            self.paused = True
            return
        with suppress(BlockingIOError):
            got = way.source.recv(allowed)
            self._passage.pace.took(len(got))
            self._passage.bytes += len(got)
            self.carried += len(got)
            way.held, way.ended = memoryview(got), not got

    def _ready(self, end: socket.socket, events: int) -> None:
        if self not in self._passage.connections:  # closed by what the other end told in this very turn
            return
        try:
            for way in self._ways:
                if (way.source is end and events & selectors.EVENT_READ) or (
                    way.sink is end and events & selectors.EVENT_WRITE
                ):
                    self._turn(way)
        except OSError:  # one side broke off: the other must see it
            self.close()
            return
        if all(way.ended and not way.held for way in self._ways):
            self.close()
        else:
            self._listen()

    def _listen(self) -> None:
        """Be woken for what can be done: to read what may be taken in, to write what is held."""
        for end in self._ends:
            wanted = 0
            for way in self._ways:
                if way.source is end and not way.held and not way.ended and not self.paused:
                    wanted |= selectors.EVENT_READ
                if way.sink is end and way.held:
                    wanted |= selectors.EVENT_WRITE
            self._want(end, wanted)

    def _want(self, end: socket.socket, wanted: int) -> None:
        before, self._wanted[end] = self._wanted[end], wanted
        if wanted == before:
            return
        if not wanted:
            self._selector.unregister(end)
        elif before:
            self._selector.modify(end, wanted, lambda events: self._ready(end, events))
        else:
            self._selector.register(end, wanted, lambda events: self._ready(end, events))
