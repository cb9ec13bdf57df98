"""Ports on this machine's loopback whose bytes are carried on to a server, counted, and let pass at a rate.

rclone's own limit is of no use here: its bucket of 4 MiB is more than a second of a slow link, and fills its queue.
"""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

from backstay.ports.clock import Clock

from .carrying import Connection
from .pace import Pace

_BACKLOG = 64
_MOST_CONNECTIONS = 32
"""Through one passage at a time, several times what an engine opens. A host that was taken over could open any number,
each of which costs descriptors that all passages share. One more takes the place of the one that carried least: whoever
does not know the word carries next to nothing, and keeps nobody out."""

_QUEUE = 32 * 1024
"""Bytes that a sender can be ahead of what was let pass. Unpaced, 300 MB/s and more go through it."""


class Passage:
    """One port and all connections through it, which share one pace in both directions."""

    def __init__(self, relay: Relay, upstream: str, bytes_per_s: float | None, now: float) -> None:
        self._relay = relay
        self.upstream = upstream
        self.pace = Pace(bytes_per_s, now)
        self.bytes = 0
        self.connections: set[Connection] = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _QUEUE)  # inherited by what it accepts
        self.listener.setblocking(False)
        self.port: int = self.listener.getsockname()[1]

    def limit(self, bytes_per_s: float | None) -> None:
        """From now on at most so much; in force when this returns."""
        self._relay.order(lambda now: self.pace.change(bytes_per_s, now))


class Relay:
    """All passages of this process, carried by one thread, which lives while there are any."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._open = 0
        self._carrier: _Carrier | None = None

    @contextmanager
    def passage(self, upstream: str, bytes_per_s: float | None) -> Iterator[Passage]:
        """A port that leads to the Unix socket `upstream`, closed with all its connections when the context is left."""
        carrier = self._joined()
        try:
            passage = Passage(self, upstream, bytes_per_s, self._clock.elapsed())
            self.order(lambda _: carrier.add(passage))
            try:
                yield passage
            finally:
                self.order(lambda _: carrier.remove(passage))
        finally:
            self._left()

    def order(self, work: Callable[[float], None]) -> None:
        """Have the thread do it between two turns; done when this returns."""
        with self._lock:  # else it could end between the question and the order, and nobody would answer
            if self._carrier is not None:
                self._carrier.do(work)

    def _joined(self) -> _Carrier:
        with self._lock:
            self._open += 1
            if self._carrier is None:
                self._carrier = _Carrier(self._clock)
            return self._carrier

    def _left(self) -> None:
        with self._lock:
            self._open -= 1
            if self._open == 0 and self._carrier is not None:
                self._carrier.close()
                self._carrier = None


class _Carrier:
    """The thread: it waits until a socket is ready or a paused passage may go on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._orders: deque[tuple[Callable[[float], None], Event]] = deque()
        self._heard, self._bell = socket.socketpair()
        self._heard.setblocking(False)
        self._selector.register(self._heard, selectors.EVENT_READ, self._take_orders)
        self._passages: set[Passage] = set()
        self._over = False
        self._thread = Thread(target=self._work, name="relay", daemon=True)
        self._thread.start()

    def do(self, work: Callable[[float], None]) -> None:
        done = Event()
        self._orders.append((work, done))
        self._bell.send(b"!")
        done.wait()

    def close(self) -> None:
        self.do(self._finish)
        self._thread.join()
        for end in (self._heard, self._bell, self._selector):
            end.close()

    def add(self, passage: Passage) -> None:
        self._passages.add(passage)
        self._selector.register(passage.listener, selectors.EVENT_READ, lambda _: self._accept(passage))

    def remove(self, passage: Passage) -> None:
        self._passages.discard(passage)
        self._selector.unregister(passage.listener)
        passage.listener.close()
        for connection in tuple(passage.connections):
            connection.close()

    def _work(self) -> None:
        while not self._over:
            for key, events in self._selector.select(self._patience()):
                key.data(events)
            for passage in self._passages:
                self._resume(passage)

    def _patience(self) -> float | None:
        """Until the first paused passage may go on; without any, until something happens."""
        paused = [passage.pace.wait_s() for passage in self._passages if any(c.paused for c in passage.connections)]
        soonest = min(paused, default=float("inf"))
        return None if soonest == float("inf") else soonest

    def _resume(self, passage: Passage) -> None:
        if passage.pace.allowance(self._clock.elapsed(), 1):
            for connection in tuple(passage.connections):
                connection.resume()

    def _accept(self, passage: Passage) -> None:
        try:
            client, _ = passage.listener.accept()
        except OSError:  # it gave up before we came to it
            return
        if len(passage.connections) == _MOST_CONNECTIONS:
            min(passage.connections, key=lambda each: (each.carried, each.began_at)).close()
        server = _connected(passage.upstream)
        if server is None:
            client.close()
            return
        Connection(self._selector, passage, client, server, self._clock)

    def _take_orders(self, _: int) -> None:
        self._heard.recv(4096)
        while self._orders:
            work, done = self._orders.popleft()
            work(self._clock.elapsed())
            done.set()

    def _finish(self, _: float) -> None:
        self._over = True


def _connected(upstream: str) -> socket.socket | None:
    """None while the server is being replaced, or there are no descriptors left: the client sees its connection
    closed, and tries again."""
    try:
        server = socket.socket(socket.AF_UNIX)
    except OSError:
        return None
    server.setblocking(False)
    try:
        server.connect(upstream)
    except OSError:
        server.close()
        return None
    return server
