"""Drills: a restore elsewhere, judged level by level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .findings import Finding

Level = Literal["L0", "L1", "L2", "L3", "L4", "L5", "L6", "L7"]
LevelOutcome = Literal["passed", "failed", "skipped"]
DrillVerdict = Literal["proven", "restored", "failed", "inconclusive"]

LEVELS: dict[Level, str] = {
    "L0": "pieces",
    "L1": "engine",
    "L2": "restore",
    "L3": "starts",
    "L4": "structure",
    "L5": "data",
    "L6": "freshness",
    "L7": "questions",
}


@dataclass(frozen=True, slots=True)
class LevelResult:
    """One level's answer; `detail` says what was seen, or why it was skipped, in a sentence a person reads."""

    level: Level
    result: LevelOutcome
    detail: str


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill of one restore point. `rto_s` is measured from the order to L3."""

    drill: str
    workload: str
    point: str
    as_of: datetime
    started_at: datetime
    ended_at: datetime
    verdict: DrillVerdict
    levels: tuple[LevelResult, ...]
    rto_s: float | None
    findings: tuple[Finding, ...]
    evidence: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The record of a drill, verify or expire.

    `record` is canonical JSON, `digest` its SHA-256, `previous` the digest before it.
    """

    number: int
    kind: str
    at: datetime
    record: str
    digest: str
    previous: str | None
