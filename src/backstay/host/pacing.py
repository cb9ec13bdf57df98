"""Programs that read no faster than they may: paused and let go again, many times a second.

It needs no privilege and counts what comes from the page cache too, which no limit of the block layer does.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess  # noqa: TID251 - the Runner is built here
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Lock, Thread

from .child import Child

ASK_EVERY_S = 0.5
TICK_S = 0.02
"""So much time's worth of bytes is saved up before the program may go on."""

BURST_S = 0.1
"""No more than this is saved up while it does something else than reading; what is over is lent to others."""

LENT_S = 0.25
"""No more than this of what they left is there for others, in seconds of the rate of who left it."""

LONGEST_PAUSE_S = 3.0
"""A program that is paused for longer may lose its connections."""

_SHORTEST_S, _LONGEST_S = 0.0001, 0.005
"""Between two looks at a program that runs: it may turn from computing to reading at any moment."""

_FAST, _FORGOTTEN_S = 2e9, 3.0
"""Bytes a second that a program is thought to read before it was seen, and how soon we forget how fast it was."""
_COUNT_GROUP_EVERY_S, _COUNT_IDLE_GROUP_EVERY_S = 0.1, 0.01
"""How often we look for new processes; sooner when those that we know read nothing, as a shell that waits for one."""

_READINGS = 3
"""How often a program that rereads its own writing has read each byte of its source at most: it, and twice its own."""

_WAKER = 'read -r group && { read -r _; kill -s CONT -- "-$group" 2>/dev/null; }'
"""Wakes the group whose number it is given, when its input ends: because we close it, or because we are dead."""


class Pacing:
    """Holds one program to what `pace` says, which is asked in another thread and must not raise; None holds nothing.

    To be opened before the program is started, so that there is no moment in which it is paused and would stay so if
    we were killed: a paused program does not act on the signal that our death sends it, before something wakes it.
    """

    def __init__(
        self, pace: Callable[[], float | None] | None, env: Mapping[str, str], spare: Spare, *, rereads: bool = False
    ) -> None:
        self._pace, self._rereads, self._spare = pace, rereads, spare
        self._waker = _Waker(env) if pace else None

    def take(self, child: Child) -> None:
        """Pause it right after its birth, before it has read much; `hold` lets it go."""
        if self._waker is not None:
            self._waker.guard(child.pid)
            child.send(signal.SIGSTOP)

    @contextmanager
    def hold(self, child: Child) -> Iterator[None]:
        """Read no faster than that while the block lasts; afterwards the child's group is awake."""
        if self._pace is None:
            yield
            return
        pacer = _Pacer(child, self._pace, Reads(child.pid, rereads=self._rereads), self._spare)
        thread = Thread(target=pacer.work, name=f"pace of {child.pid}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            pacer.done.set()
            thread.join()
            self.close()

    def close(self) -> None:
        if self._waker is not None:
            self._waker.close()
            self._waker = None


class _Waker:
    """A process that outlives us by an instant, held by a pipe that the kernel closes when we end."""

    def __init__(self, env: Mapping[str, str]) -> None:
        ear, self._mouth = os.pipe()
        try:
            self._process = subprocess.Popen(
                ["sh", "-c", _WAKER], env=dict(env), stdin=ear, stdout=subprocess.DEVNULL, start_new_session=True
            )
        finally:
            os.close(ear)

    def guard(self, group: int) -> None:
        os.write(self._mouth, f"{group}\n".encode())

    def close(self) -> None:
        os.close(self._mouth)
        self._process.wait()


class _Pacer:
    """A bucket of bytes: filled by time, emptied by what the group reads, in debt when it has read too much."""

    def __init__(self, child: Child, pace: Callable[[], float | None], reads: Reads, spare: Spare) -> None:
        self.done = Event()
        self._spare = spare
        self._child = child
        self._pace = pace
        self._reads = reads
        self._rate: float | None = None
        self._ask_at = 0.0
        self._saved = 0.0
        self._speed = _FAST
        self._lately = _FAST
        self._seen_at = time.monotonic()
        self._paused_at: float | None = self._seen_at

    def work(self) -> None:
        _come_first()
        pause = 0.0
        try:
            while not self.done.wait(pause):
                pause = self._turn(time.monotonic())
        finally:
            self._child.send(signal.SIGCONT)

    def _turn(self, now: float) -> float:
        """Take stock, pause the group or let it go, and say when to look again."""
        if now >= self._ask_at:
            self._rate, self._ask_at = self._pace(), now + ASK_EVERY_S
        if self._rate is None:
            self._take_stock(now, 0.0)
            self._saved = 0.0
            return self._let_go(ASK_EVERY_S)
        ran = self._paused_at is None
        if self._lately and self._lately * (now - self._seen_at) >= self._saved:  # it would read on while we count
            self._stop(now)
        self._take_stock(now, self._rate, ran=ran)
        if self._paused_at is None and not self._reads.came:
            self._child.send(signal.SIGCONT)  # a process that was born between two signals has only got the first
            return self._until_spent()
        if self._paused_at is None and self._saved > 0:
            return self._until_spent()
        return self._stay_paused(self._rate, now, self._stop(now))

    def _take_stock(self, now: float, rate: float, *, ran: bool = False) -> None:
        elapsed, read = now - self._seen_at, self._reads.grown(now)
        self._seen_at = now
        if ran and elapsed > 0:
            self._lately = read / elapsed
            self._speed = max(self._lately, self._speed * math.exp(-elapsed / _FORGOTTEN_S))
        saved = self._saved + rate * elapsed
        self._saved = min(rate * BURST_S, saved) - read
        self._spare.leave(saved - rate * BURST_S, rate * LENT_S)
        if rate > 0 and self._saved <= 0:
            self._saved += self._spare.take(rate * TICK_S - self._saved)

    def _stop(self, now: float) -> float:
        """Pause the group, and say since when it is."""
        if self._paused_at is None:
            self._paused_at = now
            self._child.send(signal.SIGSTOP)
        return self._paused_at

    def _let_go(self, pause: float) -> float:
        if self._paused_at is not None:
            self._paused_at = None
            self._child.send(signal.SIGCONT)
        return pause

    def _stay_paused(self, rate: float, now: float, since: float) -> float:
        """Until a tick's worth was saved up, or, for a moment only, until the pause gets too long."""
        if rate > 0 and (self._saved >= rate * TICK_S or now - since >= LONGEST_PAUSE_S):
            return self._let_go(self._until_spent())
        due = (rate * TICK_S - self._saved) / rate if rate > 0 else ASK_EVERY_S
        return max(_SHORTEST_S, min(due, ASK_EVERY_S, since + LONGEST_PAUSE_S - now))

    def _until_spent(self) -> float:
        """How long what is saved lasts at the highest speed that we remember."""
        return min(_LONGEST_S, max(_SHORTEST_S, self._saved / self._speed))


class Spare:
    """What paced programs of one machine left of what they might have read: others may, so that a disk is used while
    one of them does not read."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._bytes = 0.0

    def leave(self, count: float, most: float) -> None:
        """So many more are there, if that is no more than `most`."""
        if count > 0:
            with self._lock:
                self._bytes = max(self._bytes, min(most, self._bytes + count))

    def take(self, wanted: float) -> float:
        """As many of them as are there."""
        with self._lock:
            taken = min(wanted, self._bytes)
            self._bytes -= taken
        return taken


def _come_first() -> None:
    """Have this thread run as soon as it wakes, where we may: each millisecond late is one in which too much is read.

    Measured with restic at 10 MB/s, a load of 3 on 2 processors: the 99th percentile of waking late falls from 4 ms to
    0.2 ms, the largest burst in a second from 1.5–2.6 times to 1.2–1.3 times the limit.
    """
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))


class Reads:
    """Bytes that a program, what it started and what these started have read, from files and pipes alike.

    With `rereads`, only those of its source. What it writes itself it rereads while it is still in memory, so what came
    from disks is surely the source's. So is what it has read more than written, as long as it reads all of its own
    writing again, or sends it; and a third of all. The most of these three counts: exact where the source comes from a
    disk, and else as soon as it has reread what it wrote. `came` says whether any of it had come to the program since
    the call before: who waits for a slow disk is not held, for it may have something to send.

    Source: proc(5), /proc/PID/io: `rchar`, `wchar`, `read_bytes`. What a child has read is its parent's once the parent
    has waited for it.
    """

    def __init__(self, pid: int, *, rereads: bool = False) -> None:
        self._pid = pid
        self._rereads = rereads
        self._group = [pid]
        self._count_at = 0.0
        self._most = self._had = 0
        self.came = False

    def grown(self, now: float) -> int:
        """How much more it is than at the last call. A child that ended and was not waited for yet is not seen for a
        moment, so that the sum may fall: only what is above its highest value is new."""
        if now >= self._count_at:
            self._group, self._count_at = list(_family(self._pid)), now + _COUNT_GROUP_EVERY_S
        had, total = self._counted()
        self.came = had > self._had
        self._had = max(had, self._had)
        grown, self._most = max(0, total - self._most), max(total, self._most)
        if not grown:
            self._count_at = min(self._count_at, now + _COUNT_IDLE_GROUP_EVERY_S)
        return grown

    def _counted(self) -> tuple[int, int]:
        """What has come to it, and that with what a disk still has to bring."""
        counts = [_counts(pid) for pid in self._group]
        read, written, from_disks = map(sum, zip(*counts, strict=True))
        had = max(read - written, read // _READINGS) if self._rereads else read
        return had, max(from_disks, had) if self._rereads else had


def _family(pid: int) -> Iterator[int]:
    """A process and those below it. Source: proc(5), /proc/PID/task/TID/children."""
    yield pid
    for thread in _threads(pid):
        for child in _text(f"/proc/{pid}/task/{thread}/children").split():
            yield from _family(int(child))


def _threads(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return []


def _counts(pid: int) -> tuple[int, int, int]:
    """Bytes that it has read, written, and had from disks."""
    words = _text(f"/proc/{pid}/io").split()
    return (int(words[1]), int(words[3]), int(words[9])) if words else (0, 0, 0)


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""
