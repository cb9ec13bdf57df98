"""The program without its start: a process that has it in memory forks one that runs it, for each command line.

Importing the program takes longer than a small backup. What is forked has everything else of a program that was
started: its arguments, environment, folder, streams and exit status, its own end, and nothing of another one's.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

LONGEST_REQUEST = 1 << 17
TESTS = str(Path(__file__).parent)
HEAVY = ("backstay.cli.commands", "backstay.app.runs", "backstay.app.drills", "backstay.flows.durable")
READ_AT_START = ("PYTHON", "LC_", "LANG", "TZ")
READ_LATER = ("PYTHONPATH", "PYTHON_KEYRING_BACKEND")
"""By us, for the one that is forked; and by keyring, which nobody imports before a secret is asked of it."""


@dataclass(frozen=True)
class First:
    """A function of a module of the tests, called with these before the program begins."""

    module: str
    function: str
    given: Mapping[str, object]


@dataclass(frozen=True)
class Nursery:
    """The near side. One program at a time."""

    door: socket.socket
    process: subprocess.Popen[bytes]

    def run(
        self, argv: Sequence[str], environ: Mapping[str, str], *, timeout: float = 150, first: First | None = None
    ) -> tuple[int, str, str]:
        """`backstay` with these arguments to its end: its status as subprocess gives it, and what it printed."""
        out, err = (os.memfd_create(name) for name in ("out", "err"))
        with open(os.devnull) as nothing, open(out) as said, open(err) as complained:
            pid = self.start(argv, environ, (nothing.fileno(), out, err), first)
            status = self.status_of(pid, timeout)
            said.seek(0)
            complained.seek(0)
            return status, said.read(), complained.read()

    def start(
        self, argv: Sequence[str], environ: Mapping[str, str], streams: Sequence[int], first: First | None = None
    ) -> int:
        """`backstay` on these three open files; its number."""
        place = {"cwd": os.getcwd(), "umask": _umask()}
        request = {"argv": argv, "environ": dict(environ), **place, "first": first and vars(first)}
        socket.send_fds(self.door, [json.dumps(request).encode()], streams)
        return int(self._heard(None))

    def status_of(self, pid: int, timeout: float) -> int:
        """How it ended. It is killed when it takes longer (TimeoutError), or when the test's own time is over."""
        status = None
        try:
            status = int(self._heard(timeout))
            return status
        finally:
            if status is None:
                os.kill(pid, signal.SIGKILL)
                self._heard(None)

    def _heard(self, timeout: float | None) -> bytes:
        self.door.settimeout(timeout)
        heard = self.door.recv(100)
        assert heard, "the nursery died"
        return heard

    def close(self) -> None:
        self.door.close()
        self.process.wait(60)


def _umask() -> str:
    """Read where it lies: asking for it by os.umask would change it for a moment."""
    return Path("/proc/self/status").read_text().partition("Umask:")[2].split()[0]


def can_stand_for(environ: Mapping[str, str]) -> bool:
    """Whether a program started with this environment would come up as one that is forked."""
    return _read_at_start(environ) == _read_at_start(os.environ)


def _read_at_start(environ: Mapping[str, str]) -> dict[str, str]:
    """What the interpreter reads before our first line."""
    chosen = {name: value for name, value in environ.items() if name.startswith(READ_AT_START)}
    return {name: value for name, value in chosen.items() if name not in READ_LATER}


@cache
def nursery() -> Nursery:
    """The one of this process of pytest, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        argv = [sys.executable, __file__, str(theirs.fileno())]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
    made = Nursery(ours, process)
    atexit.register(made.close)
    return made


def serve(door: socket.socket) -> None:
    """The far side, until the near side has closed the door."""
    for name in HEAVY:
        importlib.import_module(name)
    gc.freeze()  # or every program that ends copies the memory of all that was imported
    while True:
        told, handles, _, _ = socket.recv_fds(door, LONGEST_REQUEST, 3)
        if not told:
            return
        pid = os.fork()
        if pid == 0:
            be_the_program(json.loads(told), handles, door)
            return
        for handle in handles:
            os.close(handle)
        door.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        door.send(str(os.waitstatus_to_exitcode(status)).encode())


def be_the_program(request: dict[str, Any], handles: Sequence[int], door: socket.socket) -> None:
    """As the console script would be. SystemExit goes up to the interpreter, which ends as it always does."""
    door.detach()  # its number may soon be another file's
    for place, handle in enumerate(handles):
        os.dup2(handle, place)
    os.closerange(3, 1 << 20)
    os.chdir(request["cwd"])
    os.umask(int(request["umask"], 8))
    os.environ.clear()
    os.environ.update(request["environ"])
    if first := request["first"]:
        getattr(importlib.import_module(first["module"]), first["function"])(**first["given"])
    ours = sys.path.index(TESTS)
    sys.path[ours : ours + 1] = filter(None, os.environ.get("PYTHONPATH", "").split(":"))
    sys.argv = ["backstay", *request["argv"]]
    from backstay.cli.main import main

    main()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
