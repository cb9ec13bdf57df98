"""The way from a source to its repository: straight, or through a gateway when something on it must be kept apart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from backstay.domain.errors import EngineFailed, RepositoryDamaged, Unavailable
from backstay.domain.estate import Target, Workload
from backstay.planning.live.sharing import LEAST
from backstay.planning.network import into, out_of, way_of
from backstay.ports.engine import Engine, Paths, Repository, Stream
from backstay.ports.gateway import Access, Gateway
from backstay.ports.progress import Progress
from backstay.ports.store import Store

from .adapters import Adapters
from .pacing import Intake
from .traffic import Passage
from .work import Work

LOOK_S = 1.0
"""Between two looks whether a target is still where it was."""


@dataclass(frozen=True, slots=True)
class Door:
    """The gateway of one copy, and what goes through it."""

    gateway: Gateway
    passage: Passage


@dataclass(frozen=True, slots=True)
class Way:
    """What copies what, and into which repository as it is seen from there. `door` is None where nothing is limited,
    `intake` but for a stream that comes from a host."""

    source: Paths | Stream
    engine: Engine
    repository: Repository
    door: Door | None = None
    intake: Intake | None = None

    @property
    def crossed(self) -> Passage | None:
        """What went over the links between us and the source, or else through the gateway."""
        taken_in = self.intake.passage if self.intake else None
        return taken_in or (self.door.passage if self.door else None)


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """The progress of a copy that should also stop when one of the `checks` raises why nothing can be stored."""

    run: Progress
    checks: Sequence[Callable[[], None]]

    def phase(self, name: str) -> None:
        self.run.phase(name)

    def moved(self, done: int, total: int | None = None) -> None:
        self.run.moved(done, total)

    def note(self, text: str, level: Literal["info", "warning", "error"] = "info") -> None:
        self.run.note(text, level)

    def check(self) -> None:
        self.run.check()
        for check in self.checks:
            check()


@contextmanager
def in_sight(store: Store) -> Iterator[Callable[[], None]]:
    """While the context is open the folder is looked at each second, and what is called raises what was seen.

    By a thread that nobody waits for: a file system that does not answer any more would hold the copy, too, and with
    it whoever wants to stop that.
    """
    still_there, over = store.watched(), threading.Event()
    seen: list[Unavailable] = []

    def look() -> None:
        while not seen and not over.wait(LOOK_S):
            try:
                still_there()
            except Unavailable as error:
                seen.append(error)

    def check() -> None:
        if seen:
            raise seen[0]

    threading.Thread(target=look, name="target", daemon=True).start()
    try:
        yield check
    except (EngineFailed, RepositoryDamaged):
        still_there()
        raise
    finally:
        over.set()
    still_there()


@contextmanager
def opened(adapters: Adapters, workload: Workload, target: Target) -> Iterator[Repository]:
    """A repository for looking at it, mending it and reading from it: from this machine, at no limit."""
    repository = adapters.repository(workload, target)
    if target.is_folder:
        yield repository
        return
    with adapters.gateways.open(target, repository.engine, repository.name, access="full") as gateway:
        yield replace(repository, door=gateway.address())


@contextmanager
def for_copy(adapters: Adapters, work: Work, source: Paths | Stream) -> Iterator[Way]:
    """The way for one copy. A host gets a door for this run alone, behind which nothing can be deleted."""
    far = work.site is not adapters.here
    far_engine = far and isinstance(source, Paths)
    repository = adapters.repository(work.workload, work.target)
    keys = way_of(adapters.estate, work.workload, work.target)
    if work.target.is_folder and not far_engine and not adapters.traffic.limits(keys):
        yield Way(source, work.engine, repository)
        return
    access: Access = "append" if far_engine or work.target.append_only else "full"
    intake = None
    with ExitStack() as stack:
        if far and isinstance(source, Stream):
            intake = Intake(adapters.traffic, work.run.run_id, out_of(adapters.estate, work.workload), adapters.clock)
            stack.callback(intake.close)
            source = replace(source, chunks=partial(intake.taken, source.chunks))
            keys = into(adapters.estate, work.workload, work.target)
        gateway = stack.enter_context(
            adapters.gateways.open(work.target, repository.engine, repository.name, access=access, bytes_per_s=LEAST)
        )
        port = stack.enter_context(work.site.machine.reach(gateway.port)) if far_engine else None
        passage = stack.enter_context(adapters.traffic.passing(work.run.run_id, keys, gateway))
        engine = work.site.engines[work.engine.name] if far_engine else work.engine
        door = Door(gateway, passage)
        yield Way(source, engine, replace(repository, door=gateway.address(port)), door, intake)
