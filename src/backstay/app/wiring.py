"""One estate opened for work: its file, its state folder, and every adapter that the flows are handed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backstay.catalog.catalog import open_catalog
from backstay.config import find_estate, load_or_raise
from backstay.domain.errors import ConfigError
from backstay.domain.estate import Estate, Target, Workload
from backstay.domain.secrets import Secret, SecretRef
from backstay.flows.adapters import Adapters
from backstay.flows.limits import Limits
from backstay.flows.traffic import Traffic
from backstay.host.clock import SystemClock
from backstay.host.keys import RepositoryKeys
from backstay.host.lock import ExecutorLock
from backstay.host.places import ScratchPlaces
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.host.state import open_state, state_path
from backstay.ports.catalog import Catalog
from backstay.ports.clock import Clock
from backstay.ports.engine import Repository
from backstay.targets.gateways import RcloneGateways
from backstay.targets.rclone import Rclone
from backstay.targets.stores import store_for

from .sites import Sites
from .watching import Watch

SECRETS = HostSecrets()
"""One for the process: what was fetched once is hidden in whatever it prints until it ends."""


def redacted(text: str) -> str:
    """The text without any secret that this process has fetched."""
    return SECRETS.redact(text)


@dataclass(frozen=True, slots=True)
class Door:
    """What stands before every command: which estate file, which state folder (None: looked for)."""

    estate: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An estate with its records; enough for every command that only shows."""

    path: str
    estate: Estate
    state: Path
    clock: Clock
    secrets: HostSecrets
    catalog: Catalog
    lock: ExecutorLock
    closing: ExitStack


@contextmanager
def opened(door: Door) -> Iterator[Opened]:
    """Read the estate file, open the state folder and the catalog, and close it again."""
    path = find_estate(door.estate)
    estate = load_or_raise(path)
    state = Path(open_state(state_path(door.state, os.environ)))
    clock = SystemClock()
    secrets = SECRETS
    catalog = open_catalog(catalog_address(estate, state, secrets), clock)
    with ExitStack() as closing:
        closing.callback(catalog.close)
        yield Opened(path, estate, state, clock, secrets, catalog, ExecutorLock(str(state / "executor.lock")), closing)


def catalog_address(estate: Estate, state: Path, secrets: HostSecrets) -> str | Secret:
    """Where the records lie: a file in the state folder, or the database that the estate file refers to."""
    if isinstance(estate.catalog, SecretRef):
        return secrets.resolve(estate.catalog)
    return f"sqlite:///{state / 'catalog.db'}"


def adapters(house: Opened, watch: Watch) -> Adapters:
    """Every adapter, for commands that do work."""
    return worlds(house, watch)(house.estate)


def worlds(house: Opened, watch: Watch) -> Callable[[Estate], Adapters]:
    """The same under any estate file: connections, limits and rates are shared by all that work under one of them."""
    runner = runner_of(house)
    rclone = Rclone(runner, house.secrets, house.clock)
    places = ScratchPlaces(str(house.state))
    keys = RepositoryKeys(str(house.state), house.secrets)
    sites = Sites(runner, places, house.secrets, house.clock, str(house.state), house.closing)
    limits = Limits(house.estate, house.clock)
    traffic = Traffic(house.clock, limits)
    used: set[str] = set()

    def repository(workload: Workload, target: Target) -> Repository:
        # Once used, always used; the facts of a thousand workloads are too much to read at every step of each.
        if target.name not in used and _was_used(house, target):
            used.add(target.name)
        store = store_for(target, workload.engine, workload.name, first_use=target.name not in used, rclone=rclone)
        password = keys.password_for(target, workload.engine, workload.name, must_exist=store.exists())
        return Repository(workload.engine, target.name, workload.name, password, store)

    def under(estate: Estate) -> Adapters:
        limits.follow(estate)
        return Adapters(
            estate=estate,
            catalog=house.catalog,
            clock=house.clock,
            secrets=house.secrets,
            places=places,
            here=sites.here,
            source_site=partial(sites.of, estate),
            repository=repository,
            gateways=RcloneGateways(rclone, places),
            limits=limits,
            traffic=traffic,
            progress=watch.progress,
        )

    return under


def runner_of(house: Opened) -> Processes:
    """Programs on this machine, under this estate's state folder."""
    return Processes(house.secrets, house.clock, str(house.state))


def location_of(house: Opened, target: Target, engine: str, name: str) -> str:
    """A repository's address as people and stock tools know it."""
    return store_for(
        target, engine, name, first_use=False, rclone=Rclone(runner_of(house), house.secrets, house.clock)
    ).location


def key_path(house: Opened, target: Target, engine: str, name: str) -> str:
    """Where the key of a repository lies that has no `password:` of its own."""
    return RepositoryKeys(str(house.state), house.secrets).path_of(target, engine, name)


def _was_used(house: Opened, target: Target) -> bool:
    """Whether copies were stored there: then a missing folder is a disk that is not mounted, not a first use."""
    return house.catalog.stored_in(target.name)


def require_workloads(estate: Estate, names: tuple[str, ...]) -> tuple[Workload, ...]:
    """The named workloads, or ConfigError with the nearest name that there is."""
    from difflib import get_close_matches

    for name in names:
        if name not in estate.workloads:
            near = get_close_matches(name, estate.workloads, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(estate.workloads)}."
            raise ConfigError(f"no workload is called {name}", subject=name, hint=hint)
    return tuple(estate.workloads[name] for name in names)
