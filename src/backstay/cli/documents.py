"""Which records each command's JSON document is made of, for the reference page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from backstay.app.engine_check import PromiseView
from backstay.app.engines import EngineView
from backstay.app.foresight import CompareView, DayView, Gap, PatternView, SimulateView, StorageView
from backstay.app.keys import KeyView
from backstay.app.machine import Found
from backstay.app.plan import Job, PlanView
from backstay.app.points import RepositoryVerdict, RestoreView
from backstay.app.runs import LogView
from backstay.app.status import WorkloadStatus
from backstay.app.views import PointView, RunView
from backstay.domain.drills import Drill, LevelResult
from backstay.domain.findings import Finding
from backstay.domain.runs import RunNote


@dataclass(frozen=True, slots=True)
class Document:
    """What stands in a document beside `schema`, `estate` and `at`: fields, and the record that each of them holds."""

    name: str
    content: Mapping[str, type | tuple[str, ...] | None]


DOCUMENTS: dict[str, Document] = {
    "init": Document("init", {"path": None, "found[]": Found}),
    "check": Document("check", {"path": None, "findings[]": Finding, "effective": None}),
    "plan": Document("plan", {"": PlanView, "jobs[]": Job}),
    "compare": Document("compare", {"": CompareView, "patterns[]": PatternView}),
    "simulate": Document("simulate", {"": SimulateView, "days[]": DayView, "gaps[]": Gap, "storage[]": StorageView}),
    "run": Document("run", {"runs[]": RunView}),
    "cancel": Document("cancel", {"run": RunView}),
    "runs": Document("runs", {"runs[]": RunView}),
    "log": Document("log", {"": LogView, "run": RunView, "lines[]": RunNote}),
    "status": Document("status", {"workloads[]": WorkloadStatus}),
    "points": Document("points", {"points[]": PointView}),
    "restore": Document("restore", {"restore": RestoreView}),
    "drill": Document("drill", {"drills[]": Drill, "drills[].levels[]": LevelResult}),
    "verify": Document("verify", {"repositories[]": RepositoryVerdict}),
    "keys list": Document("keys", {"keys[]": KeyView}),
    "engine check": Document("engine-check", {"engines[]": EngineView, "engines[].promises[]": PromiseView}),
    "demo": Document("demo", {"good": None, "scenes[]": ("title", "words", "content")}),
}


def lines(document: Document) -> Iterator[tuple[str, str]]:
    """Where, and the fields that stand there."""
    for where, record in document.content.items():
        yield where, ", ".join(f"`{name}`" for name in _names(record))


def _names(record: type | tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record)) if isinstance(record, type) else record or ()
