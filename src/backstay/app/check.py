"""`check` and `schema`: the estate file, held against its grammar and against good sense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backstay.config import Origin, find_estate, json_schema, load
from backstay.domain.errors import ExitCode
from backstay.domain.findings import Finding
from backstay.planning.advice import advice

from .wiring import Door


@dataclass(frozen=True, slots=True)
class CheckView:
    """What was found in the file; `estate` is None when it cannot be read as one."""

    path: str
    estate: str | None
    workloads: int
    targets: int
    policies: int
    findings: tuple[Finding, ...]
    origins: Mapping[str, Origin]


def check(door: Door) -> CheckView:
    """Read the file and say everything that is wrong, unacted on, or could be better. Changes nothing."""
    path = find_estate(door.estate)
    loaded = load(path)
    estate = loaded.estate
    if estate is None:
        return CheckView(path, None, 0, 0, 0, loaded.findings, loaded.origins)
    return CheckView(
        path,
        estate.name,
        len(estate.workloads),
        len(estate.targets),
        len(estate.policies),
        (*loaded.findings, *advice(estate)),
        loaded.origins,
    )


def exit_code(view: CheckView, *, strict: bool) -> ExitCode:
    """2 with errors; 8 with `strict` and warnings; else 0."""
    severities = {finding.severity for finding in view.findings}
    if "error" in severities:
        return ExitCode.WRONG_INPUT
    return ExitCode.WARNINGS if strict and "warning" in severities else ExitCode.GOOD


def schema() -> dict[str, Any]:
    """JSON Schema of the estate file."""
    return json_schema()
