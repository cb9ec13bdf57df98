"""`keys list`: which keys open which repositories, and where each lies; never a key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backstay.domain.findings import Finding
from backstay.host.keys import RepositoryKeys

from .wiring import Opened, location_of


@dataclass(frozen=True, slots=True)
class KeyView:
    """One repository and its key. `key` is a path or a secret reference; `exists` whether a path is there."""

    target: str
    engine: str
    repository: str
    address: str
    key: str
    exists: bool
    escrowed: bool
    findings: tuple[Finding, ...]


def keys(house: Opened) -> tuple[KeyView, ...]:
    """Every repository that the estate has or will have at its next run, those of `run --target` included."""
    held = RepositoryKeys(str(house.state), house.secrets)
    next_ones = [
        (house.estate.target_of(workload).name, workload.engine, workload.name)
        for workload in house.estate.workloads.values()
        if workload.exempt is None
    ]
    made = [(key.target, key.engine, key.name) for key in held.made() if key.target in house.estate.targets]
    return tuple(_view(house, held, *each) for each in dict.fromkeys([*next_ones, *made]))


def _view(house: Opened, held: RepositoryKeys, target: str, engine: str, name: str) -> KeyView:
    place = house.estate.targets[target]
    address = location_of(house, place, engine, name)
    if place.password is not None:
        return KeyView(target, engine, name, address, str(place.password), True, True, ())
    path = held.path_of(place, engine, name)
    finding = Finding(
        "key-not-escrowed",
        "warning",
        f"{target}/{engine}-{name}",
        "this key exists once, on this machine",
        f"Keep a copy of {path} in another place.",
    )
    exists = Path(path).exists()
    return KeyView(target, engine, name, address, path, exists, False, (finding,) if exists else ())
