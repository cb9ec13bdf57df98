"""`engine check`: every promise of an engine, tried on the user's own tool and target in a throwaway repository."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from backstay.domain.errors import BackstayError
from backstay.domain.secrets import Secret
from backstay.ports.clock import Clock
from backstay.ports.conformance import ENGINE_CHECKS, EngineCheck, sentence
from backstay.ports.engine import Engine, Repository
from backstay.ports.progress import Progress, Silent
from backstay.ports.promises import BrokenPromise
from backstay.ports.store import Store

from .engine_harness import Throwaway


@dataclass(frozen=True, slots=True)
class PromiseView:
    """One promise in words, whether it was kept, and if not, how it was broken."""

    promise: str
    kept: bool
    detail: str = ""


def check_engine(
    engine: Engine, target: str, open_store: Callable[[str], Store], folder: str, clock: Clock, progress: Progress
) -> tuple[PromiseView, ...]:
    """Try every promise, each on a repository of its own that is gone afterwards.

    `open_store` gives the store of a repository by its name in the target; `folder` is private and empty.
    """
    views = []
    for number, check in enumerate(ENGINE_CHECKS):
        progress.check()
        progress.phase(sentence(check))
        with throwaway(engine, target, open_store, f"{folder}/{number}", clock) as harness:
            views.append(_tried(check, harness))
    return tuple(views)


@contextmanager
def throwaway(
    engine: Engine, target: str, open_store: Callable[[str], Store], folder: str, clock: Clock
) -> Iterator[Throwaway]:
    """An empty repository with a key of its own, and a folder to work in; both are gone afterwards."""
    name = f"engine-check-{token_hex(4)}"
    repository = Repository(engine.name, target, name, Secret(token_hex(16)), open_store(name))
    elsewhere = open_store(f"{name}-gone")
    Path(folder).mkdir(mode=0o700)
    try:
        engine.create(repository, Silent())
        yield Throwaway(engine, repository, elsewhere, clock, folder)
    finally:
        shutil.rmtree(repository.store.location, ignore_errors=True)
        shutil.rmtree(folder)


def _tried(check: EngineCheck, harness: Throwaway) -> PromiseView:
    try:
        check(harness)
    except (BrokenPromise, BackstayError) as error:
        return PromiseView(sentence(check), False, str(error))
    return PromiseView(sentence(check), True)
