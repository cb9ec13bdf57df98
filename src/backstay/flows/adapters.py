"""What the flows are handed: every port, and how to find the parts of one workload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backstay.domain.errors import ConfigError
from backstay.domain.estate import Estate, Target, Workload
from backstay.ports.catalog import Catalog
from backstay.ports.clock import Clock
from backstay.ports.engine import Engine, Repository
from backstay.ports.gateway import Gateways
from backstay.ports.kind import Kind
from backstay.ports.machine import Machine
from backstay.ports.places import Places
from backstay.ports.progress import Progress
from backstay.ports.secrets import Secrets

from .limits import Limits
from .traffic import Traffic


@dataclass(frozen=True, slots=True)
class Site:
    """A machine with what works there: kinds look at its sources, engines copy its files."""

    machine: Machine
    kinds: Mapping[str, Kind]
    engines: Mapping[str, Engine]


@dataclass(frozen=True, slots=True)
class Adapters:
    """The outside world as the flows see it.

    `repository` is the place of one workload in one target; `here` is this machine and `source_site` the one where a
    workload's source is read; `progress` watches one run.
    """

    estate: Estate
    catalog: Catalog
    clock: Clock
    secrets: Secrets
    places: Places
    here: Site
    source_site: Callable[[Workload], Site]
    repository: Callable[[Workload, Target], Repository]
    gateways: Gateways
    limits: Limits
    traffic: Traffic
    progress: Callable[[str], Progress]

    def workload(self, name: str) -> Workload:
        """ConfigError if the estate file does not name it (any more)."""
        if name not in self.estate.workloads:
            raise ConfigError(f"{name} is not in the estate file", subject=name)
        return self.estate.workloads[name]

    def target(self, name: str) -> Target:
        """ConfigError if the estate file does not name it (any more)."""
        if name not in self.estate.targets:
            raise ConfigError(f"target {name} is not in the estate file", subject=name)
        return self.estate.targets[name]

    def kind(self, workload: Workload, site: Site | None = None) -> Kind:
        """As it works here, or at another site. ConfigError if this version cannot back the kind up there."""
        kinds = (site or self.here).kinds
        if workload.kind not in kinds:
            where = f" on host {workload.host}" if site and site is not self.here else ""
            raise ConfigError(f"{workload.name}: kind {workload.kind} is not backed up{where} by this version yet")
        return kinds[workload.kind]

    def engine(self, name: str) -> Engine:
        """ConfigError if this version does not drive the tool."""
        if name not in self.here.engines:
            raise ConfigError(f"engine {name} is not driven by this version yet")
        return self.here.engines[name]
