"""`engine check` on an opened estate: which tools, which target, and where the throwaway work lies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from backstay.domain.errors import ConfigError
from backstay.domain.estate import Target
from backstay.ports.store import Store
from backstay.targets.stores import store_for

from .engine_check import PromiseView, check_engine
from .watching import Watch
from .wiring import Opened, adapters


@dataclass(frozen=True, slots=True)
class EngineView:
    """One tool, its version, and each promise tried on it."""

    engine: str
    version: str
    target: str
    promises: tuple[PromiseView, ...]


def _store(target: Target, engine: str, repository: str) -> Store:
    return store_for(target, engine, repository, first_use=False)


def check_engines(house: Opened, watch: Watch, target: str | None) -> tuple[EngineView, ...]:
    """Try every promise of every engine in a target: the named one, or the first."""
    name = target or next(iter(house.estate.targets))
    if name not in house.estate.targets:
        hint = f"There are: {', '.join(house.estate.targets)}."
        raise ConfigError(f"no target is called {name}", subject=name, hint=hint)
    place = house.estate.targets[name]
    outside = adapters(house, watch)
    views = []
    for engine in outside.here.engines.values():
        version = engine.version()
        with outside.places.open("engine-check") as folder:
            promises = check_engine(
                engine,
                name,
                partial(_store, place, engine.name),
                folder,
                house.clock,
                watch.drill(engine.name),
            )
        views.append(EngineView(engine.name, version, name, promises))
    return tuple(views)
