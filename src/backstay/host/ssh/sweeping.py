"""What earlier connections left on a host: programs known by the marks in their environment, folders by their owner."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from backstay.domain.estate import Host
from backstay.host.leftovers import STATE_MARK
from backstay.host.output import Tail, Whole
from backstay.host.owner import Owner
from backstay.ports.runner import Command

from .program import FarProgram
from .scripts import CLEAR_AWAY, LEFT_OVER
from .way import Way, living

_FOLDER = r"[\w.~%-]+--[\w.~%-]+"
"""As staging names them: a target and a workload, quoted."""

Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Said:
    """How a short script ended, and what it wrote."""

    status: int
    out: str
    err: str


def said_by(host: Host, way: Way, check: Check, script: str, *args: str, feed: Sequence[bytes] = ()) -> Said:
    """A short script, run to its end through this very way."""
    out, err = Whole("sh"), Tail()
    program = FarProgram(host, way, Command(("sh", "-c", script, "sh", *args)), check, out.add, err.add)
    try:
        program.begin(fed=bool(feed), merged=False)
        if feed:
            program.feed(feed)
        return Said(program.until_end(), out.text(), err.text())
    finally:
        program.finish()


def folders_of(way: Way) -> str:
    """Where our staging folders lie, below the home of the account: another folder for each state of ours."""
    return f".backstay/{sha256(way.marks()[STATE_MARK].encode()).hexdigest()[:12]}"


def sweep(host: Host, way: Way, check: Check) -> int:
    """Kill what is left over there and remove what it left; how many programs these were."""
    folders = folders_of(way)
    seen = said_by(host, way, check, LEFT_OVER, way.marks()[STATE_MARK], folders).out
    left = [line.encode() for line in seen.splitlines() if _is_left_over(line, folders)]
    if not left:
        return 0
    return said_by(host, way, check, CLEAR_AWAY, feed=[b"\n".join(left), b"\n"]).out.count("gone")


def _is_left_over(line: str, folders: str) -> bool:
    known = re.fullmatch(rf"(?:program \d+ \d+|folder {re.escape(folders)}/{_FOLDER}) (\S+)", line)
    owner, _, key = known[1].rpartition(":") if known else ("", "", "")
    who = Owner.parse(owner)
    if who is None:
        return False
    return key not in living if who == Owner.me() else not who.alive()
