"""This machine and the hosts of the estate, each with the kinds and engines that work there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from threading import Lock
from typing import TYPE_CHECKING

from backstay.domain.estate import Estate, Host, Link, Workload
from backstay.flows.adapters import Site
from backstay.host.machine import ThisMachine
from backstay.planning.network import narrowest
from backstay.ports.clock import Clock
from backstay.ports.engine import Engine
from backstay.ports.kind import Kind
from backstay.ports.places import Places
from backstay.ports.runner import Runner
from backstay.ports.secrets import Secrets

if TYPE_CHECKING:
    from backstay.host.ssh.lane import Lane

FAR_KINDS = frozenset({"files", "command"})
"""Kinds that are read on their host by stock tools; a database is asked over the network, from here."""


class Sites:
    """Hosts are connected when they are first needed, and stay so until `closing` is left."""

    def __init__(
        self,
        runner: Runner,
        places: Places,
        secrets: Secrets,
        clock: Clock,
        state: str,
        closing: ExitStack,
    ) -> None:
        self._runner = runner
        self._secrets = secrets
        self._clock = clock
        self._state = state
        self._closing = closing
        self.here = Site(ThisMachine(runner, state), _kinds(runner, secrets, places, clock), _engines(runner))
        self._far: dict[Host, Site] = {}
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._lock = Lock()

    def of(self, estate: Estate, workload: Workload) -> Site:
        """Where the workload's source is read. A host that is another in another estate file is connected anew."""
        if workload.host is None or workload.kind not in FAR_KINDS:
            return self.here
        host = estate.hosts[workload.host]
        with self._lock:  # runs and guards ask from threads of their own
            if host not in self._far:
                self._far[host] = self._connected(host, narrowest(estate, host.name))
            return self._far[host]

    def _connected(self, host: Host, link: Link | None) -> Site:
        from backstay.host.ssh.lane import Lane
        from backstay.host.ssh.machine import SshMachine

        lane = self._lanes.setdefault((link.name, link.capacity), Lane(float(link.capacity))) if link else None
        machine = SshMachine(host, self._secrets, self._clock, self._state, lane)
        self._closing.callback(machine.close)
        return Site(machine, _far_kinds(self._runner, machine.runner, self._clock), _engines(machine.runner))


def _kinds(runner: Runner, secrets: Secrets, places: Places, clock: Clock) -> Mapping[str, Kind]:
    from backstay.kinds.command import CommandKind
    from backstay.kinds.files import FilesKind
    from backstay.kinds.postgresql import PostgresqlKind
    from backstay.kinds.sqlite import SqliteKind

    kinds: tuple[Kind, ...] = (
        FilesKind(runner, clock),
        PostgresqlKind(runner, secrets, places, clock),
        SqliteKind(runner, clock),
        CommandKind(runner, clock),
    )
    return {kind.name: kind for kind in kinds}


def _far_kinds(here: Runner, there: Runner, clock: Clock) -> Mapping[str, Kind]:
    """What is restored is judged here, whatever machine it was read on."""
    from backstay.kinds.command import CommandKind
    from backstay.kinds.files import FilesKind, StockTrees

    return {
        "files": FilesKind(here, clock, trees=StockTrees(there)),
        "command": CommandKind(here, clock, there=there),
    }


def _engines(runner: Runner) -> Mapping[str, Engine]:
    from backstay.engines.restic import ResticEngine

    engine = ResticEngine(runner)
    return {engine.name: engine}
