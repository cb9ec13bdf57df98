"""Run in a far host: asks a server at a rate that is read from standard input, and writes how long each answer took."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time

TICK_S = 0.01
CONNECTIONS = 16
"""More requests than these are never under way; those that would be are left out."""


class Client:
    """Connections that take turns."""

    def __init__(self, address: str, port: int, asked: int, answered: int) -> None:
        self._idle = [socket.create_connection((address, port)) for _ in range(CONNECTIONS)]
        self._stream = socket.create_connection((address, port))
        self._stream.sendall(b"1")
        self._asked, self._answered = asked, answered
        self._lock = threading.Lock()
        self._rate = self._bulk = 0.0
        self._over = threading.Event()
        for connection in self._idle:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(b"0")

    def work(self) -> None:
        """Until standard input ends."""
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._send, daemon=True).start()
        due = time.monotonic()
        while not self._over.wait(0.002):
            if self._rate and time.monotonic() >= due:
                due = max(due + 1 / self._rate, time.monotonic() - 1)
                self._begin()

    def _listen(self) -> None:
        for line in sys.stdin:
            self._rate, self._bulk = map(float, line.split())
        self._over.set()

    def _send(self) -> None:
        """The stream, evenly; what the link does not take is not sent later."""
        while not self._over.wait(TICK_S):
            self._stream.sendall(bytes(int(self._bulk * TICK_S)))

    def _begin(self) -> None:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is not None:
            threading.Thread(target=self._ask, args=(connection,), daemon=True).start()

    def _ask(self, connection: socket.socket) -> None:
        began = time.monotonic()
        connection.sendall(bytes(self._asked))
        left = self._answered
        while left and (got := len(connection.recv(left))):
            left -= got
        with self._lock:
            print(json.dumps([began, time.monotonic() - began]), flush=True)
            self._idle.append(connection)


if __name__ == "__main__":
    Client(sys.argv[1], *map(int, sys.argv[2:5])).work()
