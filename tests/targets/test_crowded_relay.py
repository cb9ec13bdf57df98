"""One client that takes more than its part, and the others who go through the same relay."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from backstay.host.clock import SystemClock
from backstay.targets.relay import Relay
from host.waiting import until
from targets.measuring import Sink, sink


@pytest.fixture
def relay() -> Relay:
    return Relay(SystemClock())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sink]:
    with sink(tmp_path) as opened:
        yield opened


def _require_served(server: Sink, port: int) -> None:
    """A word that is sent to this port comes to the server."""
    before = len(server.came)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"hello")
        until(lambda: len(server.came) > before)


def test_a_flood_of_connections_through_one_passage_takes_nothing_from_the_others(relay: Relay, server: Sink) -> None:
    with relay.passage(server.path, None) as flooded, relay.passage(server.path, None) as other, ExitStack() as stack:
        before = len(os.listdir("/proc/self/fd"))
        flood = [stack.enter_context(socket.create_connection(("127.0.0.1", flooded.port))) for _ in range(300)]
        until(lambda: len(flooded.connections) == 32)
        assert len(os.listdir("/proc/self/fd")) - before < 300 + 3 * 32 + 10
        _require_served(server, flooded.port)
        assert len(flooded.connections) <= 32
        _require_served(server, other.port)
        for each in flood:
            each.close()
        until(lambda: not flooded.connections)
        _require_served(server, flooded.port)


def test_who_carries_something_keeps_its_connection_in_a_flood(relay: Relay, server: Sink) -> None:
    with (
        relay.passage(server.path, None) as flooded,
        closing(socket.create_connection(("127.0.0.1", flooded.port))) as busy,
        ExitStack() as stack,
    ):
        busy.sendall(b"a request")
        until(lambda: len(server.came) == 1)
        for _ in range(100):
            stack.enter_context(socket.create_connection(("127.0.0.1", flooded.port)))
        until(lambda: len(flooded.connections) == 32)
        busy.sendall(b"another")
        until(lambda: len(server.came) == 2)


@contextmanager
def _one_descriptor_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 1, hard))
    try:
        with suppress(OSError):
            while True:
                held.append(os.dup(0))
        os.close(held.pop())
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in held:
            os.close(each)


def test_without_descriptors_a_client_is_turned_off_and_the_relay_lives(relay: Relay, server: Sink) -> None:
    with relay.passage(server.path, None) as passage, closing(socket.socket()) as client:
        client.settimeout(10)
        with _one_descriptor_left():
            client.connect(("127.0.0.1", passage.port))
            assert client.recv(1) == b""
        _require_served(server, passage.port)
