"""Probes of this machine, of a database and of a way to somewhere."""

from __future__ import annotations

import mmap
import os
import random
import socket
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from itertools import islice
from threading import Thread

from backstay.domain.errors import Unavailable
from backstay.ports.probe import Probe

LIMIT_S = 1.0
BLOCK = 4096
_SMALLEST_FILE = 1 << 20
_MOST_LOOKED_AT = 2_000


class RoundTrip:
    """How long `ask` takes: `SELECT 1` on a connection of its own, say. OSError and Unavailable are no answer.

    Costs one request, and a thread that is begun and ended.
    """

    def __init__(self, ask: Callable[[], object]) -> None:
        self._ask = ask
        self._asked: Future[float] | None = None

    def sample(self) -> float | None:
        if self._asked is not None and not self._asked.done():
            return LIMIT_S  # what hangs is not asked a second time
        answer: Future[float] = Future()
        self._asked = answer
        Thread(target=self._measure, args=(answer,), name="probe", daemon=True).start()
        try:
            return min(LIMIT_S, answer.result(LIMIT_S))
        except TimeoutError:
            return LIMIT_S
        except (OSError, Unavailable):
            return None

    def _measure(self, answer: Future[float]) -> None:
        began = time.perf_counter()
        try:
            self._ask()
        except BaseException as error:  # it is not lost: `sample` raises it
            answer.set_exception(error)
        else:
            answer.set_result(time.perf_counter() - began)


class DiskRead:
    """How long 4 KiB from a random place of a file or device take, past the page cache.

    Costs one such read. Raises: OSError if it cannot be opened for that.
    """

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC)
        self._blocks = os.lseek(self._descriptor, 0, os.SEEK_END) // BLOCK
        self._buffer = mmap.mmap(-1, BLOCK)  # such a read needs memory that begins at a page
        self._trip = RoundTrip(self._read)

    def sample(self) -> float | None:
        return self._trip.sample() if self._blocks else None

    def close(self) -> None:
        os.close(self._descriptor)

    def _read(self) -> None:
        os.preadv(self._descriptor, [self._buffer], random.randrange(self._blocks) * BLOCK)


class Pressure:
    """Which share of the time since the last sample something waited, for a disk if no other file of the kernel's is
    named: seconds a second, None at first.

    Costs one read of a small file of the kernel's. Source: Documentation/accounting/psi.rst, `some`, `total`.
    """

    def __init__(self, path: str = "/proc/pressure/io") -> None:
        self._path = path
        self._last: tuple[float, float] | None = None

    def sample(self) -> float | None:
        try:
            with open(self._path, encoding="ascii") as lines:
                waited_s = int(lines.readline().rpartition("total=")[2]) / 1e6
        except OSError:  # an older kernel, or one that was told not to count
            return None
        last, self._last = self._last, (time.monotonic(), waited_s)
        if last is None:
            return None
        elapsed = self._last[0] - last[0]
        return min(LIMIT_S, (waited_s - last[1]) / elapsed) if elapsed > 0 else None


def connecting(host: str, port: int) -> Probe:
    """How long it takes until `host` answers, be it that nobody listens at `port`.

    Costs a connection that is closed at once: three small packets each way.
    """

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=LIMIT_S).close()
        except ConnectionRefusedError:
            return

    return RoundTrip(connect)


def disk_under(path: str) -> Probe:
    """The best probe for the disk on which `path` lies: reads of its device, else of a file beneath `path`; where
    neither can be read past the page cache, the pressure on all disks."""
    for place in (*_device_under(path), *_files_under(path)):
        try:
            return DiskRead(place)
        except OSError:
            continue
    return Pressure()


def _device_under(path: str) -> Iterator[str]:
    device = os.stat(path).st_dev
    try:
        with open(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/uevent", encoding="ascii") as lines:
            yield from (f"/dev/{line.strip().partition('=')[2]}" for line in lines if line.startswith("DEVNAME="))
    except FileNotFoundError:  # not on a block device: the network, memory, btrfs
        return


def _files_under(path: str) -> list[str]:
    """The largest file there, as far as a short look tells."""
    seen = ((os.lstat(one), one) for one in islice(_paths(path), _MOST_LOOKED_AT))
    files = [(look.st_size, one) for look, one in seen if stat.S_ISREG(look.st_mode) and look.st_size >= _SMALLEST_FILE]
    return [max(files)[1]] if files else []


def _paths(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
    for folder, _, names in os.walk(path):
        yield from (os.path.join(folder, name) for name in names)
