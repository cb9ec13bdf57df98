"""What a program wrote: all of it, line by line, or the end of it, never more than memory can bear."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from threading import Lock

from backstay.domain.errors import EngineFailed

TAIL = 256 * 1024
MOST = 64 * 1024 * 1024
"""Most bytes of one output, or one line of it, that are kept for the caller."""


def decoded(output: bytes) -> str:
    r"""Text that can always be printed and stored; bytes that are no UTF-8 stay visible and distinct.

    >>> print(decoded(b"caf\xe9"))
    caf\xe9
    """
    return output.decode("utf-8", "backslashreplace")


class Tail:
    """The last 256 KiB, beginning with a whole line; one thread may add while another reads."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._bytes = 0
        self._cut = False
        self._lock = Lock()

    def add(self, chunk: bytes) -> None:
        with self._lock:
            self._chunks.append(chunk)
            self._bytes += len(chunk)
            while self._bytes - len(self._chunks[0]) >= TAIL:
                self._bytes -= len(self._chunks.popleft())
                self._cut = True

    def text(self) -> str:
        with self._lock:
            kept, cut = b"".join(self._chunks), self._cut
        if cut or len(kept) > TAIL:
            # Half a line may begin with half a secret, which nobody could recognise and hide.
            kept = re.sub(rb"\A[^\r\n]*[\r\n]?", b"", kept[-TAIL:])
        return decoded(kept)


class Whole:
    """All of it."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._kept = bytearray()

    def add(self, chunk: bytes) -> None:
        self._kept += chunk
        _bear(self._program, self._kept)

    def text(self) -> str:
        return decoded(bytes(self._kept))


class Lines:
    """Handed out line by line, without the line ends; the last one needs none."""

    def __init__(self, program: str, on_line: Callable[[str], None]) -> None:
        self._program = program
        self._on_line = on_line
        self._begun = bytearray()

    def add(self, chunk: bytes) -> None:
        self._begun += chunk
        _bear(self._program, self._begun)
        if b"\n" not in chunk:
            return
        *lines, rest = bytes(self._begun).split(b"\n")
        self._begun = bytearray(rest)
        for line in lines:
            self._on_line(decoded(line))

    def text(self) -> str:
        """Hands out what came after the last line end; nothing is kept."""
        if self._begun:
            self._on_line(decoded(bytes(self._begun)))
        return ""


def _bear(program: str, kept: bytearray) -> None:
    if len(kept) > MOST:
        raise EngineFailed(f"{program} wrote more than {MOST >> 20} MiB of output at once", subject=program)
