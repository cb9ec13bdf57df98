"""Production on a shared link: a far client that asks a server here, and how long each answer took."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from far_hosts import FarHost

ASKED, ANSWERED, WORK_S = 4 * 1024, 4 * 1024, 0.018
"""Bytes of a request and of its answer, and the time in which the server thinks about it. Quiet, about 22 ms."""

CLIENT = str(Path(__file__).with_name("production_client.py"))

STEADY = 10.0
"""Requests a second through the whole window."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: when it was sent, by the monotonic clock, and how many seconds it took."""

    at: float
    seconds: float


def percentile(answers: Sequence[Answer], part: float) -> float:
    """The nearest rank of the times.

    >>> percentile([Answer(0, 3.0), Answer(1, 1.0), Answer(2, 2.0)], 0.5)
    2.0
    """
    ranked = sorted(answer.seconds for answer in answers)
    return ranked[min(len(ranked) - 1, int(part * len(ranked)))]


class Production:
    """A client on a far host, asking at a rate that can be changed, until the context is left."""

    def __init__(self, client: subprocess.Popen[str]) -> None:
        self._client = client
        self.answers: list[Answer] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, per_second: float, bulk_bytes_per_s: float = 0.0) -> None:
        """From now on so many requests a second, and beside them a stream of so many bytes."""
        assert self._client.stdin is not None
        self._client.stdin.write(f"{per_second} {bulk_bytes_per_s}\n")
        self._client.stdin.flush()

    def between(self, since: float, until: float) -> list[Answer]:
        return [answer for answer in list(self.answers) if since <= answer.at < until]

    def _read(self) -> None:
        assert self._client.stdout is not None
        for line in self._client.stdout:
            self.answers.append(Answer(*json.loads(line)))

    def close(self) -> None:
        assert self._client.stdin is not None
        self._client.stdin.close()
        self._client.wait(10)
        self._reader.join(10)


@contextmanager
def production(host: FarHost, here: str) -> Iterator[Production]:
    """A server at the address `here`, and a client in `host` that asks it at the steady rate."""
    with socket.create_server((here, 0)) as server:
        threading.Thread(target=_serve, args=(server,), daemon=True).start()
        argv = [sys.executable, CLIENT, here, str(server.getsockname()[1]), str(ASKED), str(ANSWERED)]
        client = subprocess.Popen(host.inside(*argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running = Production(client)
        try:
            running.ask(STEADY)
            yield running
        finally:
            running.close()


def _serve(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    """Requests begin with a 0; what begins with a 1 is the stream."""
    with connection, contextlib.suppress(ConnectionResetError):  # a client that ends does not say goodbye
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        is_stream = connection.recv(1) == b"1"
        while _received(connection, ASKED):
            if not is_stream:
                time.sleep(WORK_S)
                connection.sendall(bytes(ANSWERED))


def _received(connection: socket.socket, count: int) -> bool:
    while count:
        got = len(connection.recv(min(count, 1 << 16)))
        if not got:
            return False
        count -= got
    return True
