"""The whole grammar: the file at its top level, and where each section stands."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .grammar import (
    BlackoutSection,
    HostSection,
    KeepSection,
    LinkSection,
    PolicySection,
    PoolSection,
    PriceSection,
    RequireSection,
    Section,
    TargetSection,
    WindowSection,
)
from .nodes import Path
from .workloads import KINDS, AnyWorkload, ExemptSection, PlausibleSection, QuestionSection
from .written import CatalogAddress, Name, SomeShare, Timezone


class EstateFile(Section):
    """The estate file of Backstay: what there is to protect, what each part is owed, and where copies may lie."""

    estate: Name = Field(description="the estate's name")
    timezone: Timezone = Field(default="UTC", description="where its days begin and its windows open")
    workflow: Literal["serial", "parallel", "hybrid", "auto"] = Field(
        default="auto", description="how jobs run beside one another; `plan` says which was chosen and why"
    )
    catalog: CatalogAddress = Field(default="sqlite", description="where records are kept")
    job_share: SomeShare = Field(default=0.5, description="most of a link that one job may take while others wait")
    targets: Annotated[dict[Name, TargetSection], Field(min_length=1)] = Field(description="places for copies")
    hosts: dict[Name, HostSection] = Field(default={}, description="machines with workloads")
    links: dict[Name, LinkSection] = Field(default={}, description="lines that jobs share")
    pools: dict[Name, PoolSection] = Field(default={}, description="slots that kinds share")
    windows: dict[Name, WindowSection] = Field(default={}, description="when work may run")
    blackouts: dict[Name, BlackoutSection] = Field(default={}, description="when no work may start")
    policies: Annotated[dict[Name, PolicySection], Field(min_length=1)] = Field(description="what workloads are owed")
    workloads: Annotated[dict[Name, AnyWorkload], Field(min_length=1)] = Field(description="what is protected")


OPTIONAL_SECTIONS = frozenset({"hosts", "links", "pools", "windows", "blackouts"})
"""These may stand in the file with nothing below them."""

SECTIONS: dict[str, type[Section]] = {
    "": EstateFile,
    "targets.*": TargetSection,
    "targets.*.price": PriceSection,
    "hosts.*": HostSection,
    "links.*": LinkSection,
    "pools.*": PoolSection,
    "windows.*": WindowSection,
    "blackouts.*": BlackoutSection,
    "policies.*": PolicySection,
    "policies.*.keep": KeepSection,
    "policies.*.require": RequireSection,
    "workloads.*.exempt": ExemptSection,
    "workloads.*.plausible": PlausibleSection,
    "workloads.*.ask.*": QuestionSection,
}


def section_at(path: Path, kind: str | None) -> type[Section]:
    """The section whose keys stand at `path`; for a workload its `kind` decides."""
    if len(path) == 2 and path[0] == "workloads" and kind in KINDS:
        return KINDS[kind]
    pattern = ".".join("*" if place == 1 or isinstance(part, int) else part for place, part in enumerate(path))
    return SECTIONS[pattern]
