"""Who owns something that was left on the machine, and whether they still live."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_DEAD = ("Z", "X", "x")
_STARTED_AT = 19
"""Place of `starttime` among the fields behind the program's name. Source: proc(5), /proc/pid/stat, field 22."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, told from later ones with the same number by when it started (clock ticks since boot)."""

    pid: int
    started: int

    @classmethod
    def me(cls) -> Owner:
        """This process."""
        return cls(os.getpid(), int(_fields(os.getpid())[_STARTED_AT]))

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """What `str` wrote, or None for anything else.

        >>> Owner.parse("17:4711"), Owner.parse("nobody")
        (Owner(pid=17, started=4711), None)
        """
        pid, _, started = text.partition(":")
        return cls(int(pid), int(started)) if pid.isdecimal() and started.isdecimal() else None

    def __str__(self) -> str:
        return f"{self.pid}:{self.started}"

    def alive(self) -> bool:
        """Whether this very process still runs; one that has ended and waits for its parent does not."""
        try:
            fields = _fields(self.pid)
        except (FileNotFoundError, ProcessLookupError):
            return False
        return fields[0] not in _DEAD and int(fields[_STARTED_AT]) == self.started


def _fields(pid: int) -> list[str]:
    # A program's name may hold blanks and brackets: the fields begin behind the last bracket.
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
