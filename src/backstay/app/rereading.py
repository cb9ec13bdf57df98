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
            estate = self._accepted(self._loaded())
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

    def _loaded(self) -> Estate:
        """Of a pipe nobody knows when it says something; until then nothing else would be done."""
        if os.path.exists(self._house.path) and not os.path.isfile(self._house.path):
            raise ConfigError("it is not a file", path=self._house.path)
        return load_or_raise(self._house.path)

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
    """What became of the workloads and of what they use, in words."""
    common = old.workloads.keys() & new.workloads.keys()
    counts = {
        "new": len(new.workloads.keys() - common),
        "gone": len(old.workloads.keys() - common),
        "changed": sum(old.workloads[name] != new.workloads[name] for name in common),
    }
    changes = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "none of them changed"
    workloads = f"{len(new.workloads)} workload{'s' if len(new.workloads) > 1 else ''} ({changes})"
    return "; ".join([workloads, *_others(old, new)])


def _others(old: Estate, new: Estate) -> Iterator[str]:
    for what, before, now in (
        ("host", old.hosts, new.hosts),
        ("link", old.links, new.links),
        ("target", old.targets, new.targets),
        ("pool", old.pools, new.pools),
        ("window", old.windows, new.windows),
        ("blackout", old.blackouts, new.blackouts),
    ):
        for name in sorted({*before, *now}):
            if name not in before:
                yield f"{what} {name} is new"
            elif name not in now:
                yield f"{what} {name} is gone"
            elif before[name] != now[name]:
                yield f"{what} {name} changed"
