"""The way from a source to its repository: straight, or through a gateway when something on it must be kept apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from backstay.domain.estate import Target, Workload
from backstay.planning.live.sharing import LEAST
from backstay.planning.network import way_of
from backstay.ports.clock import Clock
from backstay.ports.engine import Engine, Paths, Repository, Stream
from backstay.ports.gateway import Access
from backstay.ports.progress import Progress

from .adapters import Adapters
from .pacing import paced
from .traffic import Passage, Traffic
from .work import Work


@dataclass(frozen=True, slots=True)
class Way:
    """What copies what, and into which repository as it is seen from there. `passage` is None where nothing is
    limited."""

    source: Paths | Stream
    engine: Engine
    repository: Repository
    passage: Passage | None


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """The progress of a copy through a gateway: it should also stop when nothing can be stored behind it, and what it
    leaves of its host's disk while it does not read is for others."""

    run: Progress
    passage: Passage

    def phase(self, name: str) -> None:
        self.run.phase(name)

    def moved(self, done: int, total: int | None = None) -> None:
        self.passage.reading = done > 0 and done != total
        self.run.moved(done, total)

    def note(self, text: str, level: Literal["info", "warning", "error"] = "info") -> None:
        self.run.note(text, level)

    def check(self) -> None:
        self.run.check()
        self.passage.gateway.check()


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
    far = work.site is not adapters.here and isinstance(source, Paths)
    repository = adapters.repository(work.workload, work.target)
    keys = way_of(adapters.estate, work.workload, work.target)
    if work.target.is_folder and not far and not adapters.traffic.limits(keys):
        yield Way(source, work.engine, repository, None)
        return
    access: Access = "append" if far or work.target.append_only else "full"
    with ExitStack() as stack:
        gateway = stack.enter_context(
            adapters.gateways.open(work.target, repository.engine, repository.name, access=access, bytes_per_s=LEAST)
        )
        port = stack.enter_context(work.site.machine.reach(gateway.port)) if far else None
        passage = stack.enter_context(adapters.traffic.passing(work.run.run_id, keys, gateway))
        engine = work.site.engines[work.engine.name] if far else work.engine
        if isinstance(source, Stream) and work.site is not adapters.here:
            rate = partial(_rate_of, adapters.traffic, work.run.run_id, passage, keys[0])
            source = replace(source, chunks=_paced(source, passage, rate, adapters.clock))
        yield Way(source, engine, replace(repository, door=gateway.address(port)), passage)


def _rate_of(traffic: Traffic, job: str, passage: Passage, host: str) -> float:
    """What a stream from a host may take now: of its way, and of the host's disk."""
    of_disk = traffic.read_pace(job, host)
    return passage.granted if of_disk is None else min(passage.granted, of_disk)


def _paced(source: Stream, passage: Passage, rate: Callable[[], float], clock: Clock) -> Callable[[], Iterable[bytes]]:
    """What is read of a far source crosses the way long before the engine has made a piece of it to send on."""

    def chunks() -> Iterator[bytes]:
        passage.read = 0
        passage.reading = True
        for piece in paced(source.chunks(), rate, clock):
            passage.read += len(piece)
            yield piece

    return chunks
