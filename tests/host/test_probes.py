"""Each probe tells how slow production is, soon and cheaply, and none hangs with it."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backstay.domain.errors import Unavailable
from backstay.host.probes import LIMIT_S, DiskRead, Pressure, RoundTrip, connecting, disk_under
from backstay.ports.probe import Probe


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(2 << 20))
    with path.open("rb") as written:
        os.fsync(written.fileno())
    return path


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_disk_read_goes_past_the_page_cache(file: Path) -> None:
    probe = DiskRead(str(file))
    before = blocks_read()
    samples = [probe.sample() for _ in range(20)]
    probe.close()
    assert all(one is not None and 0 < one <= LIMIT_S for one in samples)
    assert blocks_read() - before >= 20 * 4096


def blocks_read() -> int:
    return int(Path("/proc/self/io").read_text().partition("read_bytes: ")[2].partition("\n")[0])


def test_an_empty_file_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    probe = DiskRead(str(tmp_path / "empty"))
    assert probe.sample() is None
    probe.close()


def test_a_disk_is_probed_by_its_device_or_by_a_file_beneath(file: Path) -> None:
    probe = disk_under(str(file.parent))
    assert isinstance(probe, DiskRead)
    assert isinstance(probe.sample(), float)
    probe.close()


def test_where_no_read_can_pass_the_cache_pressure_is_told() -> None:
    assert isinstance(disk_under("/proc"), Pressure)


def test_pressure_is_the_share_of_time_that_something_waited(tmp_path: Path) -> None:
    counter = tmp_path / "io"
    counter.write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\nfull avg10=0.00 total=99\n")
    probe = Pressure(str(counter))
    assert probe.sample() is None
    time.sleep(0.5)
    counter.write_text("some avg10=9.00 avg60=0.00 avg300=0.00 total=1050000\nfull avg10=0.00 total=99\n")
    share = probe.sample()
    assert share is not None
    assert 0.05 < share <= 0.1


def test_the_kernels_own_pressure_is_understood() -> None:
    probe = Pressure()
    probe.sample()
    time.sleep(0.05)
    share = probe.sample()
    assert share is not None
    assert 0 <= share <= 1


def test_a_kernel_without_pressure_tells_nothing(tmp_path: Path) -> None:
    assert Pressure(str(tmp_path / "none")).sample() is None


def test_a_connection_is_a_round_trip_whether_or_not_somebody_listens(listener: socket.socket) -> None:
    host, port = listener.getsockname()
    assert_quick(connecting(host, port))
    listener.close()
    assert_quick(connecting(host, port))


def assert_quick(probe: Probe) -> None:
    answer = probe.sample()
    assert answer is not None
    assert answer < 0.5


def test_an_address_that_cannot_be_reached_tells_nothing() -> None:
    assert connecting("no-such-host.invalid", 1).sample() in (None, LIMIT_S)  # a resolver may take its time to say no
    assert connecting("255.255.255.255", 1).sample() is None


def test_a_database_that_answers_slowly_is_measured() -> None:
    answer = RoundTrip(lambda: time.sleep(0.2)).sample()
    assert answer is not None
    assert 0.2 <= answer < 0.6


def test_what_hangs_counts_as_the_limit_and_is_not_asked_again() -> None:
    asked, release = [0], threading.Event()

    def hang() -> None:
        asked[0] += 1
        release.wait(30)

    probe = RoundTrip(hang)
    began = time.monotonic()
    assert [probe.sample() for _ in range(3)] == [LIMIT_S] * 3
    assert time.monotonic() - began < 2 * LIMIT_S
    assert asked == [1]
    release.set()


def test_no_answer_is_no_measurement_and_any_other_error_rises() -> None:
    def gone() -> None:
        raise Unavailable("the database is gone")

    def broken() -> None:
        raise ZeroDivisionError

    assert RoundTrip(gone).sample() is None
    with pytest.raises(ZeroDivisionError):
        RoundTrip(broken).sample()


def test_a_probe_costs_next_to_nothing(file: Path, listener: socket.socket) -> None:
    host, port = listener.getsockname()
    for probe in (DiskRead(str(file)), Pressure(), connecting(host, port), RoundTrip(lambda: None)):
        began = time.process_time()
        for _ in range(50):
            probe.sample()
        assert (time.process_time() - began) / 50 < 0.005, probe
        if isinstance(probe, DiskRead):
            probe.close()
