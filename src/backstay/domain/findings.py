"""Findings: something wrong or worth doing, told so that a person can act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "advice"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or could be better. `code` is stable; `subject` is a workload, target, policy or path."""

    code: str
    severity: Severity
    subject: str
    message: str
    hint: str | None = None
    line: int | None = None
