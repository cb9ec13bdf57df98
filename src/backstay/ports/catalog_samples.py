"""Records to try a catalog with: whole in every part, with the values that are hard to keep."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backstay.domain.drills import Drill, DrillVerdict, Evidence, LevelResult
from backstay.domain.findings import Finding
from backstay.domain.points import Fingerprint, PointState, RestorePoint
from backstay.domain.runs import Amount, ErrorRecord, Run

START = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
# What a name of a file that is not UTF-8 looks like in Python, and a character that PostgreSQL keeps in no text.
ODD = "caf\udce9 \0 \U0001f9f7"


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def a_run(number: int, workload: str = "crm", *, hours: float = 0) -> Run:
    return Run(f"run-{number:04}", workload, "restic", "vault", "full", at(hours), "due")


def an_ended_run(number: int, workload: str = "crm", *, hours: float = 0, seconds: float = 60) -> Run:
    return replace(
        a_run(number, workload, hours=hours),
        attempts=2,
        started_at=at(hours),
        ended_at=at(hours) + timedelta(seconds=seconds),
        result="done",
        bytes_read=5_000_000_000_000,
        bytes_added=0,
        point=f"point-{number:04}",
        warnings=("first", ODD),
        error=ErrorRecord("engine", ODD, "crm", "Look.", 3),
    )


def a_point(number: int, workload: str = "crm", *, hours: float = 0, state: PointState = "taken") -> RestorePoint:
    name, run_id, taken_at = f"point-{number:04}", f"run-{number:04}", at(hours + 0.5)
    parts = ("files", "restic", "vault", "incr", at(hours), taken_at, 5_000_000_000_000, "5afe", "n0nce")
    return RestorePoint(name, run_id, workload, *parts, state, ("point-0000",))


def a_drill(number: int, workload: str = "crm", *, hours: float = 0, verdict: DrillVerdict = "proven") -> Drill:
    levels = (LevelResult("L2", "passed", "the restore ended well"), LevelResult("L7", "skipped", ODD))
    findings = (Finding("drill.slow", "warning", workload, ODD, "Wait.", 7),)
    span = (at(hours), at(hours + 1), at(hours + 2))
    return Drill(f"drill-{number:04}", workload, "point-0001", *span, verdict, levels, 12.5, findings, number)


def an_evidence(number: int) -> Evidence:
    previous = f"digest-{number - 1}" if number > 1 else None
    return Evidence(number, "drill", at(number), f'{{"is":"é","number":{number}}}', f"digest-{number}", previous)


A_FINGERPRINT = Fingerprint("files/blake3/1", Amount(7, None), {"z": [1, 2.5, None], "a": {ODD: True}}, b"\0body" * 999)
