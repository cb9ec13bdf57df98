"""Bytes pushed through a relay, and how evenly they came out."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Sink:
    """Takes in whatever comes to a Unix socket, and remembers when."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.came: list[tuple[float, int]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(1024)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def between(self, since: float, until: float) -> int:
        return sum(count for at, count in list(self.came) if since <= at < until)

    def most_within(self, seconds: float, since: float = 0.0) -> int:
        """The most bytes that came in any span of this length."""
        came = [entry for entry in self.came if entry[0] >= since]
        most = start = total = 0
        for at, count in came:
            total += count
            while came[start][0] < at - seconds:
                total -= came[start][1]
                start += 1
            most = max(most, total)
        return most

    def _accept(self) -> None:
        while True:
            try:
                taken, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._drain, args=(taken,)))
            self._threads[-1].start()

    def _drain(self, taken: socket.socket) -> None:
        with taken:
            while True:
                try:
                    count = len(taken.recv(1 << 20))
                except ConnectionError:
                    return
                if not count:
                    return
                self.came.append((time.monotonic(), count))


@contextmanager
def sink(folder: Path) -> Iterator[Sink]:
    """A sink, closed with its context."""
    opened = Sink(folder / "sink")
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def pushed(port: int, connections: int = 1) -> Iterator[None]:
    """As many bytes as get through, by so many connections."""
    ends = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    threads = [threading.Thread(target=_push, args=(end,)) for end in ends]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for end in ends:
            end.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)
        for end in ends:
            end.close()


def _push(end: socket.socket) -> None:
    some = bytes(1 << 18)
    try:
        while True:
            end.sendall(some)
    except OSError:
        return
