"""What the flows are handed: every port, and how to find the parts of one workload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from backstay.domain.errors import ConfigError
from backstay.domain.estate import Estate, Target, Workload
from backstay.ports.catalog import Catalog
from backstay.ports.clock import Clock
from backstay.ports.engine import Engine, Repository
from backstay.ports.kind import Kind
from backstay.ports.places import Places
from backstay.ports.progress import Progress
from backstay.ports.secrets import Secrets


@dataclass(frozen=True, slots=True)
class Adapters:
    """The outside world as the flows see it.

    `repository` opens the place of one workload in one target; `staging` is a private folder whose path is the same
    at every run of that workload, empty when entered and gone when left; `progress` watches one run.
    """

    estate: Estate
    catalog: Catalog
    clock: Clock
    secrets: Secrets
    places: Places
    kinds: Mapping[str, Kind]
    engines: Mapping[str, Engine]
    repository: Callable[[Workload, Target], Repository]
    staging: Callable[[Workload, Target], AbstractContextManager[str]]
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

    def kind(self, workload: Workload) -> Kind:
        """ConfigError if this version cannot back the kind up."""
        if workload.kind not in self.kinds:
            raise ConfigError(f"{workload.name}: kind {workload.kind} is not backed up by this version yet")
        return self.kinds[workload.kind]

    def engine(self, name: str) -> Engine:
        """ConfigError if this version does not drive the tool."""
        if name not in self.engines:
            raise ConfigError(f"engine {name} is not driven by this version yet")
        return self.engines[name]
