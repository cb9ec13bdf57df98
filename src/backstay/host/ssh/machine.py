"""The `Machine` for a host that is reached over SSH."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import Literal, Self
from urllib.parse import quote

from backstay.domain.errors import MachineLacks, Unavailable
from backstay.domain.estate import Host
from backstay.host.leftovers import OWNER_MARK
from backstay.ports.clock import Clock
from backstay.ports.progress import Silent
from backstay.ports.secrets import Secrets

from .echo import Echo, echo_to
from .forward import leading_to
from .lane import Lane
from .loop import call, post
from .runner import SshRunner
from .sweeping import Said, folders_of, said_by
from .ways import Ways

_STAGE = (
    'umask 077; cd && mkdir -p "$1" && rm -rf "$1/work" && '
    'echo "$2" >"$1/owner" && mkdir "$1/work" && cd "$1/work" && pwd'
)
_UNSTAGE = 'cd && rm -rf "$1" && rmdir "${1%/*}" .backstay 2>/dev/null; [ ! -e "$1" ]'
_WRITE = 'umask 077; cat >"$1.part" && mv -f -- "$1.part" "$1" || { rm -f -- "$1.part"; exit 1; }'


class SshMachine:
    """One host of the estate. Opened on first use; `close`, or our end, ends all that runs there."""

    def __init__(self, host: Host, secrets: Secrets, clock: Clock, state: str, lane: Lane | None = None) -> None:
        self.host = host
        self.ways = Ways(host, state, lane or Lane(inf))
        self._check = Silent().check
        self._echo: Echo | Literal[False] | None = None
        self.runner = SshRunner(host, secrets, clock, self.ways)

    @property
    def name(self) -> str:
        return self.host.name

    @contextmanager
    def staging(self, workload: str, target: str) -> Iterator[str]:
        """Below ~/.backstay there; left empty-handed when the way is cut: then the next way's sweep removes it."""
        way = self.ways.way(self._check)
        folder = f"{folders_of(way)}/{quote(target, safe='')}--{quote(workload, safe='')}"
        path = self._demand(f"no folder for {workload}", _STAGE, folder, way.marks()[OWNER_MARK]).out.strip()
        try:
            yield path
        finally:
            with contextlib.suppress(Unavailable):
                self._demand(f"the folder for {workload} could not be removed", _UNSTAGE, folder)

    def write(self, path: str, content: bytes) -> None:
        self._demand(f"{path} could not be written", _WRITE, path, content=content)

    @contextmanager
    def reach(self, port: int) -> Iterator[int]:
        way = self.ways.way(self._check)
        listener = call(way.listen(leading_to(port, way.lane)), self._check)
        try:
            yield listener.get_port()
        finally:
            post(listener.close)

    def round_trip(self) -> float | None:
        """By packets that kernels answer, where they are let through; else by a word to the watch."""
        way = self.ways.probe(self._check)
        if self._echo is None:
            self._echo = echo_to(way.peer)
        return self._echo.round_trip() if self._echo else call(way.round_trip(), self._check)

    def give_way(self, yes: bool) -> None:
        post(self.ways.lane.give_way, yes)

    def close(self) -> None:
        """Whatever still runs there for us is stopped."""
        self.ways.close()
        if self._echo:
            self._echo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _demand(self, failure: str, script: str, *args: str, content: bytes | None = None) -> Said:
        feed = () if content is None else (content,)
        said = said_by(self.host, self.ways.way(self._check), self._check, script, *args, feed=feed)
        if said.status != 0:
            raise MachineLacks(
                f"{failure} on {self.host.name}: {said.err.strip()}",
                subject=self.host.name,
                hint="Look whether there is room in the account's home folder there, and whether it may write to it.",
            )
        return said
