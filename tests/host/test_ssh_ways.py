"""What passes between a host and us: ports that lead here, and programs that are held to a pace."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import struct
import time
from collections.abc import Iterator
from math import inf
from pathlib import Path
from threading import Thread

import pytest

from backstay.host.ssh.forward import _FarEnd
from backstay.host.ssh.lane import Lane
from backstay.host.ssh.machine import SshMachine
from backstay.ports.progress import Silent
from backstay.ports.runner import Command
from far_hosts import FarHost
from host.ssh_machines import machine_at, outside
from host.waiting import until


@pytest.fixture(scope="module")
def app1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarHost]:
    with outside(tmp_path_factory.mktemp("far")) as far:
        yield far.link().host("app1")


@pytest.fixture
def machine(app1: FarHost, state: Path) -> Iterator[SshMachine]:
    with machine_at(app1, state) as machine:
        yield machine


def _bytes_per_s(pid: int, seconds: float) -> float:
    began, before = time.monotonic(), _read_by(pid)
    time.sleep(seconds)
    return (_read_by(pid) - before) / (time.monotonic() - began)


def _read_by(pid: int) -> int:
    return int(Path(f"/proc/{pid}/io").read_text().split()[1])


def test_a_port_over_there_leads_to_ours_and_back(machine: SshMachine, app1: FarHost) -> None:
    sent = b"backup" * 500_000
    got: list[bytes] = []

    def answer(server: socket.socket) -> None:
        with server.accept()[0] as connection:
            while sum(map(len, got)) < len(sent):
                got.append(connection.recv(65536))
            connection.sendall(hashlib.sha256(b"".join(got)).hexdigest().encode())

    with socket.create_server(("127.0.0.1", 0)) as server, machine.reach(server.getsockname()[1]) as port:
        Thread(target=answer, args=(server,), daemon=True).start()
        talking = Command(("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}; cat >&3; cat <&3"))
        done = machine.runner.run(talking, Silent(), feed=[sent])
    assert done.out == hashlib.sha256(sent).hexdigest()
    assert f":{port} " not in app1.call("ss", "-ltn")


def test_nobody_behind_our_port_is_a_closed_connection_over_there(machine: SshMachine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    with machine.reach(free) as port:
        talking = Command(("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}; timeout 5 cat <&3; echo $?"))
        assert machine.runner.run(talking, Silent()).out == "0\n"  # the end, and no waiting for it


def test_little_is_under_way_to_one_who_does_not_read(machine: SshMachine, app1: FarHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, machine.reach(server.getsockname()[1]) as port:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        pushing = Command(("bash", "-c", f"exec 3>/dev/tcp/127.0.0.1/{port}; exec cat /dev/zero >&3"))
        before = app1.sent()
        with machine.runner.serve(pushing) as service, server.accept()[0]:
            time.sleep(2)
            assert app1.sent() - before < 2_000_000
            assert service.ended() is None


@pytest.mark.long
def test_a_program_over_there_keeps_its_pace_and_follows_a_new_one(machine: SshMachine) -> None:
    rate = [10e6]
    command = Command(("sh", "-c", "exec gzip -1c </dev/zero >/dev/null"), pace=lambda: rate[0])
    with machine.runner.serve(command) as service:
        until(lambda: _read_by(service.pid) > 5e6)
        assert _bytes_per_s(service.pid, 10) == pytest.approx(10e6, rel=0.05)
        rate[0] = 30e6
        time.sleep(1.5)
        assert _bytes_per_s(service.pid, 4) == pytest.approx(30e6, rel=0.1)
    assert service.ended() == -15


@pytest.mark.long
def test_what_a_program_over_there_reads_of_its_own_writing_is_not_counted(machine: SshMachine) -> None:
    script = "cd; while head -c 1000000 /dev/zero >piece; do cat piece >sent; cat piece >/dev/null; done"
    command = Command(("sh", "-c", script), pace=lambda: 10e6, rereads=True)
    with machine.runner.serve(command) as service:
        until(lambda: _read_by(service.pid) > 15e6)
        assert _bytes_per_s(service.pid, 10) == pytest.approx(30e6, rel=0.05)


@pytest.mark.long
def test_what_one_engine_over_there_leaves_of_its_pace_another_reads(machine: SshMachine) -> None:
    idle, busy = (
        Command(("sh", "-c", script), pace=lambda: 5e6, rereads=True)
        for script in ("exec sleep 60", "exec gzip -1c </dev/zero >/dev/null")
    )
    with machine.runner.serve(busy) as service:
        until(lambda: _read_by(service.pid) > 2e6)
        assert _bytes_per_s(service.pid, 4) == pytest.approx(5e6, rel=0.1)
        with machine.runner.serve(idle):
            time.sleep(1.5)
            assert _bytes_per_s(service.pid, 6) == pytest.approx(10e6, rel=0.1)


def test_whoever_breaks_off_behind_our_port_does_not_cut_the_way() -> None:
    """As a gateway that dies does: what the far end says last can be passed on to nobody, and that is no error."""

    async def last_word_to_nobody(server: socket.socket) -> bool:
        far = _FarEnd(Lane(inf))
        await asyncio.get_running_loop().create_connection(lambda: far.near, *server.getsockname())
        with server.accept()[0] as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no farewell
        try:
            return far.eof_received()  # before our end has heard of it
        finally:
            far.near.transport.abort()

    with socket.create_server(("127.0.0.1", 0)) as server:
        assert asyncio.run(last_word_to_nobody(server))
