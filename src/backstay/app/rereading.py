"""The estate file read anew while a program stays."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from backstay.config import load_or_raise
from backstay.domain.errors import ConfigError
from backstay.domain.estate import Estate

from .watching import Watch
from .wiring import Opened

_Look = tuple[int, ...] | None


class Rereading:
    """Looks whether the estate file has changed; a wrong one is told, and the one in force stays so."""

    def __init__(self, house: Opened, watch: Watch) -> None:
        self._house = house
        self._watch = watch
        self._before = _look(house.path)
        self._read: _Look = ()  # it may have changed since it was opened
        self._asked = self._wrong = False

    def ask(self) -> None:
        """Read it at the next look, changed or not."""
        self._asked = True

    def changed(self) -> Opened | None:
        """The house with another estate, if a right file with another meaning lies there since the last look."""
        now, before = _look(self._house.path), self._before
        self._before = now
        # A file is read when it has stood still from one look to the next: until then somebody is writing it.
        if not self._asked and (now == self._read or now != before):
            return None
        awaited, self._asked, self._wrong, self._read = self._asked or self._wrong, False, False, now
        try:
            estate = self._accepted(load_or_raise(self._house.path))
        except ConfigError as error:
            self._wrong = True
            self._tell(f"{_told(error)}; the estate file that was read before stays in force")
            return None
        return self._taken(estate, awaited=awaited)

    def _taken(self, estate: Estate, *, awaited: bool) -> Opened | None:
        if estate != self._house.estate:
            self._tell(f"{self._house.path} was read anew: {_difference(self._house.estate, estate)}")
            self._house = replace(self._house, estate=estate)
            return self._house
        if awaited:
            self._tell(f"{self._house.path} was read again, and says what is in force")
        return None

    def _accepted(self, estate: Estate) -> Estate:
        """The catalog is open, and whoever follows runs looks for them there."""
        if estate.catalog != self._house.estate.catalog:
            hint = "End serve, and start it again."
            raise ConfigError("catalog: cannot change while serve runs", hint=hint, path=self._house.path)
        return estate

    def _tell(self, sentence: str) -> None:
        if self._watch.say:
            self._watch.say(sentence)


@contextmanager
def asked_by_hangup(rereading: Rereading) -> Iterator[None]:
    """SIGHUP asks for a reading while the context is open; in a terminal it means its end, as ever."""
    if os.isatty(0):
        yield
        return

    def hung_up(number: int, frame: FrameType | None) -> None:
        rereading.ask()

    before = signal.signal(signal.SIGHUP, hung_up)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _look(path: str) -> _Look:
    """What changes when a file does; None if it is not there."""
    try:
        seen = os.stat(path)
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _told(error: ConfigError) -> str:
    place = f"{error.path}:{error.line}" if error.line else str(error.path)
    return f"{place}: {error.message}" + (f" ({error.hint})" if error.hint else "")


def _difference(old: Estate, new: Estate) -> str:
    """What became of the workloads, in words."""
    common = old.workloads.keys() & new.workloads.keys()
    counts = {
        "new": len(new.workloads.keys() - common),
        "gone": len(old.workloads.keys() - common),
        "changed": sum(old.workloads[name] != new.workloads[name] for name in common),
    }
    changes = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "none of them changed"
    return f"{len(new.workloads)} workload{'s' if len(new.workloads) > 1 else ''} ({changes})"
