"""An estate small enough to see through: one workload, the memory engine, a real catalog, real files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from backstay.app.watching import Watch
from backstay.catalog.catalog import open_catalog
from backstay.domain.estate import Estate, FilesSource, Policy, Target, Workload
from backstay.domain.runs import Run
from backstay.domain.secrets import Secret
from backstay.engines.memory import MemoryEngine
from backstay.flows.adapters import Adapters, Site
from backstay.flows.limits import Limits
from backstay.flows.traffic import Traffic
from backstay.host.clock import SystemClock
from backstay.host.machine import ThisMachine
from backstay.host.places import ScratchPlaces
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.kinds.files import FilesKind
from backstay.ports.catalog import Catalog
from backstay.ports.engine import Engine, Repository
from backstay.ports.kind import Kind
from backstay.targets.gateways import RcloneGateways
from backstay.targets.path import PathStore
from backstay.targets.rclone import Rclone


@dataclass
class SmallEstate:
    """One folder with everything in it; `kinds` and `engines` may be exchanged for faulty ones."""

    root: Path
    catalog: Catalog
    clock: SystemClock = field(default_factory=SystemClock)
    secrets: HostSecrets = field(default_factory=HostSecrets)
    kinds: dict[str, Kind] = field(default_factory=dict)
    engines: dict[str, Engine] = field(default_factory=dict)
    workloads: dict[str, Workload] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        return self.root / "source"

    def runner(self) -> Processes:
        return Processes(self.secrets, self.clock, str(self.root))

    def repository(self, workload: Workload, target: Target) -> Repository:
        store = PathStore(target.url, workload.engine, workload.name, True)
        return Repository(workload.engine, target.name, workload.name, Secret("for tests only"), store)

    def estate(self) -> Estate:
        target = Target("vault", str(self.root / "vault"))
        return Estate("small", "UTC", {"vault": target}, {}, self.workloads)

    def adapters(self) -> Adapters:
        watch = Watch(self.catalog, self.clock, self.secrets)
        places = ScratchPlaces(str(self.root))
        here = Site(ThisMachine(self.runner(), str(self.root)), self.kinds, self.engines)
        limits = Limits(self.estate(), self.clock)
        return Adapters(
            estate=self.estate(),
            catalog=self.catalog,
            clock=self.clock,
            secrets=self.secrets,
            places=places,
            here=here,
            source_site=lambda _: here,
            repository=self.repository,
            gateways=RcloneGateways(Rclone(self.runner(), self.secrets, self.clock), places),
            limits=limits,
            traffic=Traffic(self.clock, limits),
            progress=watch.progress,
        )

    def ask(self, run_id: str, workload: str = "w") -> Run:
        run = Run(run_id, workload, "memory", "vault", "full", self.clock.now(), "asked for")
        return self.catalog.add_run(run)

    def change(self, workload: str = "w", **changes: object) -> None:
        self.workloads[workload] = replace(self.workloads[workload], **changes)  # type: ignore[arg-type]  # by name

    def snapshots(self, workload: str = "w") -> Mapping[str, int]:
        return PathStore(str(self.root / "vault"), "memory", workload, True).pieces("snapshots")


@contextmanager
def small_estate(root: Path) -> Iterator[SmallEstate]:
    """A source with three files and one workload `w` that protects it."""
    catalog = open_catalog(f"sqlite:///{root / 'catalog.db'}", SystemClock())
    house = SmallEstate(root, catalog)
    house.source.mkdir()
    for name in ("one", "two", "three"):
        (house.source / name).write_text(name * 100)
    (root / "vault").mkdir()
    policy = Policy("gold", timedelta(hours=1))
    house.workloads["w"] = Workload("w", "files", FilesSource((str(house.source),)), policy, engine="memory")
    house.kinds["files"] = FilesKind(house.runner(), house.clock)
    house.engines["memory"] = MemoryEngine()
    try:
        yield house
    finally:
        catalog.close()
