"""What a person sees: commands on a terminal of a given width, in a pipe, and where nothing can be seen at all."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

import pytest

from acceptance.estates import PROGRAM, Answer, Place
from backstay.cli import main
from nursery import nursery

ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07)")


@dataclass(frozen=True)
class Seen:
    """How a command ended and what stood on the terminal, with and without its escape sequences."""

    status: int
    raw: str

    @property
    def lines(self) -> list[str]:
        return ESCAPE.sub("", self.raw).replace("\r\n", "\n").split("\n")

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def on_terminal(
    place: Place,
    *arguments: str,
    columns: int = 80,
    environment: Mapping[str, str] | None = None,
    started: bool = False,
) -> Seen:
    """A command on a terminal of its own; `started` as a person starts it, and not from a nursery."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environ = {**place.environ(), "TERM": "xterm-256color", **(environment or {})}
    environ = {name: value for name, value in environ.items() if name not in ("COLUMNS", "LINES")}
    status_of = (_started if started else _born)(arguments, environ, theirs)
    os.close(theirs)
    shown = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return Seen(status_of(), shown.decode())


def _started(arguments: Sequence[str], environ: Mapping[str, str], terminal: int) -> Callable[[], int]:
    process = subprocess.Popen([PROGRAM, *arguments], env=environ, stdin=terminal, stdout=terminal, stderr=terminal)
    return lambda: process.wait(60)


def _born(arguments: Sequence[str], environ: Mapping[str, str], terminal: int) -> Callable[[], int]:
    pid = nursery().start(arguments, environ, [terminal] * 3)
    return lambda: nursery().status_of(pid, 60)


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 65536)
    except OSError:  # the other side is closed
        return b""


def in_process(place: Place, capsys: pytest.CaptureFixture[str], *arguments: str) -> Answer:
    """A command in a pipe, without starting the program anew."""
    capsys.readouterr()
    given = [] if "--estate" in arguments else ["--estate", str(place.root / "estate.yaml")]
    status = main.run([*given, "--state", str(place.state), *arguments])
    shown = capsys.readouterr()
    return Answer(status, shown.out, shown.err)


def in_shell(place: Place, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of shell in which `backstay` is the program; `pipefail` tells how it ended."""
    environ = {**place.environ(), "PATH": f"{os.path.dirname(PROGRAM)}:{os.environ['PATH']}", **environment}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", script], env=environ, capture_output=True, text=True, timeout=120, check=False
    )


def cells(line: str) -> int:
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in line)
