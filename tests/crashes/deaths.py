"""Where a program may be made to die: wrappers around its adapters that stop at one named point and kill.

Only for a process of its own: `install` changes what the program is made of.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any, Literal, TypeVar

from backstay.app import executing
from backstay.app.watching import Watch
from backstay.app.wiring import Opened
from backstay.app.wiring import adapters as real_adapters
from backstay.flows import backup
from backstay.flows.adapters import Adapters, Site
from backstay.flows.limits import Limits
from backstay.flows.records import Admitted, Copied, Ended, Prepared, Ticket
from backstay.planning.night.model import Resource
from backstay.ports.engine import BackupRequest, Repository
from backstay.ports.kind import HoldRequest

BOUNDARIES = tuple(f"{when} {step}" for step in ("admit", "prepare", "copy", "finish") for when in ("before", "after"))
INSIDE_COPY = ("before hold", "after hold", "during backup", "after backup", "after fingerprint", "before add_point")

Taken = TypeVar("Taken", Ticket, Admitted, Prepared, Copied)
Given = TypeVar("Given")
Victim = Literal["program", "tool", "both", "nobody"]


@dataclass
class Death:
    """Who dies where. The program dies when all of `workloads` have come to that point, so that one death serves all.

    A tool (restic, pg_dump) is stopped in the middle of its work first, so that the middle is long enough to hit.
    """

    point: str
    workloads: set[str]
    victim: Victim = "program"
    reached: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def at(self, point: str, workload: str, tool: int = 0) -> None:
        """Come to a point; nobody goes on from the one that was chosen."""
        if point != self.point or workload not in self.workloads:
            return
        if self.victim == "nobody":
            raise KeyError("what a bug of ours raises")
        if self.victim == "tool":
            os.kill(tool, signal.SIGKILL)
            return
        with self.lock:
            self.reached[workload] = tool
            if self.reached.keys() == self.workloads:
                self._die()
        time.sleep(600)

    def _die(self) -> None:
        for tool in filter(None, self.reached.values()):
            os.kill(tool, signal.SIGKILL if self.victim == "both" else signal.SIGCONT)
        os.kill(os.getpid(), signal.SIGKILL)

    def during(self, point: str, workload: str, mark: str, tool: str, ready: Callable[[], bool]) -> None:
        """Watch for a tool with this mark, in the background, and stop it as soon as it is at work."""
        if point == self.point and workload in self.workloads:
            threading.Thread(target=self._watch, args=(point, workload, mark, tool, ready), daemon=True).start()

    def _watch(self, point: str, workload: str, mark: str, tool: str, ready: Callable[[], bool]) -> None:
        while not ready():
            time.sleep(0.001)
        while not (found := processes(tool, mark)):
            time.sleep(0.001)
        os.kill(found[0], signal.SIGSTOP)
        self.at(point, workload, found[0])


def await_death(point: str, workloads: list[str], victim: Victim) -> None:
    """From now on this process is a program that dies there."""
    install(Death(point, set(workloads), victim))


def whole(folder: Path) -> list[Path]:
    """Files under their last name: restic writes beside it first, and what is cut off then stays without meaning."""
    return [path for path in folder.iterdir() if "-tmp-" not in path.name]


def run_mark(run_id: str) -> str:
    return f"BACKSTAY_RUN={run_id}"


def processes(name: str, mark: str) -> list[int]:
    """Programs of this name with this in their command line or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() == name:
                said = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
                found += [int(process.name)] if mark.encode() in said else []
        except OSError:
            continue
    return found


class Passing:
    """Everything of another object, but for what a subclass replaces."""

    def __init__(self, real: Any, death: Death) -> None:
        self._real = real
        self._death = death

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class MortalEngine(Passing):
    def create(self, repository: Repository, progress: Any) -> Any:
        # restic init belongs to the repository and carries no mark of a run; it works beside the place.
        beside = f"{repository.store.location}."
        self._death.during("during init", repository.name, beside, "restic", lambda: True)
        return self._real.create(repository, progress)

    def backup(self, request: BackupRequest, progress: Any) -> Any:
        locks = Path(request.repository.store.location, "locks")
        self._death.during(
            "during backup", request.workload, run_mark(request.run_id), "restic", lambda: bool(whole(locks))
        )
        report = self._real.backup(request, progress)
        self._death.at("after backup", request.workload)
        return report


class MortalKind(Passing):
    @contextmanager
    def hold(self, request: HoldRequest, progress: Any) -> Iterator[Any]:
        workload = request.workload.name
        self._death.at("before hold", workload)
        self._death.during("during dump", workload, run_mark(request.run_id), "pg_dump", lambda: True)
        with self._real.hold(request, progress) as held:
            self._death.at("after hold", workload)
            yield MortalHeld(held, self._death, workload)


class MortalHeld(Passing):
    def __init__(self, real: Any, death: Death, workload: str) -> None:
        super().__init__(real, death)
        self._workload = workload

    def fingerprint(self, progress: Any) -> Any:
        taken = self._real.fingerprint(progress)
        self._death.at("after fingerprint", self._workload)
        return taken


class MortalCatalog(Passing):
    def add_point(self, point: Any, fingerprint: Any) -> Any:
        self._death.at("before add_point", point.workload)
        return self._real.add_point(point, fingerprint)


class Roomy(Limits):
    """Slots for all at once, to die at once."""

    def resources(self) -> Mapping[str, Resource]:
        return {key: replace(each, slots=inf) for key, each in super().resources().items()}


def install(death: Death) -> None:
    """From now on this process dies so."""

    def mortal(house: Opened, watch: Watch) -> Adapters:
        real = real_adapters(house, watch)
        here = Site(
            real.here.machine,
            {name: MortalKind(kind, death) for name, kind in real.here.kinds.items()},
            {name: MortalEngine(engine, death) for name, engine in real.here.engines.items()},
        )
        return replace(
            real,
            catalog=MortalCatalog(real.catalog, death),
            here=here,
            source_site=lambda _: here,
            limits=Roomy(real.estate, real.clock),
        )

    class MortalFlow(backup.BackupFlow):
        def admit(self, ticket: Ticket) -> Admitted:
            return self._step("admit", super().admit, ticket)

        def prepare(self, admitted: Admitted) -> Prepared:
            return self._step("prepare", super().prepare, admitted)

        def copy(self, prepared: Prepared) -> Copied:
            return self._step("copy", super().copy, prepared)

        def finish(self, copied: Copied) -> Ended:
            return self._step("finish", super().finish, copied)

        def _step(self, name: str, step: Callable[[Taken], Given], record: Taken) -> Given:
            run = self._with.catalog.run(record.run_id)
            workload = run.workload if run else "?"
            death.at(f"before {name}", workload)
            result = step(record)
            death.at(f"after {name}", workload)
            return result

    vars(executing)["worlds"] = lambda house, watch: lambda _: mortal(house, watch)
    vars(backup)["BackupFlow"] = MortalFlow
