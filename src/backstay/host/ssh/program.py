"""A program on a host: begun, fed, followed and stopped from the thread that wants it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from math import inf

from backstay.domain.errors import EngineFailed, MachineLacks, Unavailable
from backstay.domain.estate import Host
from backstay.domain.secrets import Secret
from backstay.host.command import program_of
from backstay.host.leftovers import RUN_MARK
from backstay.host.output import decoded
from backstay.ports.runner import Command

from .errors import cut_off, silent
from .loop import CHECK_EVERY_S, call, post
from .scripts import GREETED_WITHIN_S, GREETING, becoming, sent
from .session import Session
from .way import Way

_PACE_EVERY_S = 1.0

_LEFT_TO_SAY_S = 3.0
"""How long we listen to a program that has ended: something that left its group may hold its output open."""

_KILLED_WITHIN_S = 5.0

_AT_A_TIME = 256 * 1024

_MOST_NOISE = 256 * 1024
"""Bytes that a shell may say of its own as it begins."""

Check = Callable[[], None]
Take = Callable[[bytes], None]


class FarProgram:
    """Call `begin` first, and `finish` last whatever happens. `check` is asked while anything is waited for."""

    def __init__(self, host: Host, way: Way, command: Command, check: Check, out: Take, err: Take) -> None:
        self._host = host
        self._way = way
        self._command = command
        self._check = check
        self._out = out
        self._session = Session(err, way.lane)
        self._said = b""
        self._feeder = ""
        self._pace = 0
        self._next_check = time.monotonic()
        self._next_pace = self._next_check
        self.pid = 0

    @property
    def status(self) -> int | None:
        return self._session.status

    def ended(self) -> int | None:
        """Its exit status, or None while it runs. Unavailable when nobody can say any more."""
        if self._session.ended and self.status is None:
            raise self._lost()
        return self.status

    def begin(self, *, fed: bool, merged: bool) -> None:
        """Returns when it is the program that runs there, watched over.

        The watch hears of the program, and of its pace, before the program hears what it is: what we say goes one way,
        in this order.
        """
        call(self._way.open(self._session), self._check)
        self.pid = self._greeted()
        self._tell(f"add {self.pid} {self._command.stop} {_hundredths(self._command.grace_s)}")
        self._set_pace()
        command = self._command
        script = becoming(command.argv, _environment(command), command.cwd, fed=fed, merged=merged)
        self._session.write(sent(script))
        answer, _, self._feeder = self._line().partition(" ")
        if answer != "ready":
            raise _not_begun(answer, command, self._host)
        if self._said:  # the program was quicker than we
            self._out(self._said)

    def feed(self, chunks: Iterable[bytes]) -> None:
        """Write to standard input until all is said or the program has ended; how it ended tells why."""
        for chunk in chunks:
            for at in range(0, len(chunk), _AT_A_TIME):
                self._session.write(chunk[at : at + _AT_A_TIME])
                self.turn(0)
                while not (self._session.writable or self._over()):
                    self.turn()
            if self._over():
                return
        self._session.write_eof()
        self._tell(f"fed {self._feeder}")

    def turn(self, seconds: float = CHECK_EVERY_S) -> None:
        """Wait until something happens, for so long at most, and act on it. Unavailable when the way is lost."""
        self._wait(seconds)
        for chunk in self._session.take():
            self._out(chunk)
        self.ended()
        now = time.monotonic()
        if now >= self._next_check:
            self._check()
            self._next_check = now + CHECK_EVERY_S
        if now >= self._next_pace:
            self._set_pace()
            self._next_pace = now + _PACE_EVERY_S

    def until_end(self) -> int:
        """Its exit status, with all that it wrote taken in."""
        while self.status is None:
            self.turn()
        # What it left in its group goes now, and with it whoever else held its output open.
        self._tell(f"gone {self.pid}")
        until = time.monotonic() + _LEFT_TO_SAY_S
        while not self._session.ended and time.monotonic() < until:
            self.turn()
        for chunk in self._session.take():
            self._out(chunk)
        return self.status

    def stop(self) -> None:
        """In its own way, then hard; returns when it is gone, or nobody can say so any more."""
        self._out = _forget
        self._tell(f"stop {self.pid}")
        until = time.monotonic() + self._command.grace_s + _KILLED_WITHIN_S
        while self.status is None and not self._session.ended and time.monotonic() < until:
            self._wait()
            self._session.take()

    def finish(self) -> None:
        """Stop it if it runs; nothing of its group is left when the host has heard of it."""
        try:
            if self.pid and self.status is None and not self._session.ended:
                self.stop()
        finally:
            self._tell(f"gone {self.pid}")
            self._session.close()

    def _wait(self, seconds: float = CHECK_EVERY_S) -> None:
        """Until it says something or its end is heard of; that it had ended before is no news."""
        known = self.status
        self._session.wait(seconds, lambda: self.status != known)

    def _over(self) -> bool:
        return self.status is not None or self._session.ended

    def _set_pace(self) -> None:
        if self._command.pace is None:
            return
        wanted = self._command.pace()
        rate = 0 if wanted is None else max(1, round(wanted))
        if rate != self._pace:
            self._pace = rate
            self._tell(f"pace {self.pid} {rate} {int(self._command.rereads)}")

    def _tell(self, line: str) -> None:
        post(self._way.tell, line)

    def _greeted(self) -> int:
        """The number of the session. What its shell said before, as it began, is nobody's."""
        until, noise = time.monotonic() + GREETED_WITHIN_S, 0
        while not (line := self._line(until)).startswith(GREETING):
            noise += len(line)
            if noise > _MOST_NOISE:
                raise silent(self._host)
        return int(line.removeprefix(GREETING))

    def _line(self, until: float = inf) -> str:
        """A line of what is said before the program speaks."""
        while b"\n" not in self._said:
            if time.monotonic() > until or len(self._said) > _MOST_NOISE:
                raise silent(self._host)
            self._wait()
            taken = b"".join(self._session.take())
            self._said += taken
            if not taken and self._session.ended:
                raise self._lost()  # the account has a shell: the watch runs in it
            self._check()
        line, _, self._said = self._said.partition(b"\n")
        return decoded(line)

    def _lost(self) -> Unavailable:
        return cut_off(self._host, f"{program_of(self._command)} ran there")


def _environment(command: Command) -> Mapping[str, str]:
    run = {RUN_MARK: command.run_id} if command.run_id else {}
    own = {name: value.reveal() if isinstance(value, Secret) else value for name, value in command.env.items()}
    return own | run


def _not_begun(answer: str, command: Command, host: Host) -> EngineFailed:
    program = os.path.basename(command.argv[0])
    if answer == "missing":
        return MachineLacks(
            f"{command.argv[0]} is not installed on {host.name}",
            subject=program,
            hint=f"Install it there (on Debian: apt install {program}), or put the folder that holds it on the PATH of "
            "the account that we log in to.",
        )
    if answer == "nowhere":
        return MachineLacks(
            f"{program} could not be started: nothing can be made in the home folder, on {host.name}",
            subject=host.name,
            hint="Look whether the account's home folder is there, whether the account may write to it, and whether "
            "there is room.",
        )
    reasons = {
        "nofolder": f"No such file or directory: {command.cwd}",
        "forbidden": f"Permission denied: {command.cwd}",
    }
    reason = reasons.get(answer, answer)
    return EngineFailed(f"{program} could not be started: {reason}, on {host.name}", subject=program)


def _hundredths(seconds: float) -> int:
    return round(min(seconds, 24 * 3600) * 100)


def _forget(chunk: bytes) -> None:
    return None
