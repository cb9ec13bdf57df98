"""A restored tree under judgement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backstay.domain.drills import Level, LevelResult
from backstay.domain.estate import Question
from backstay.ports.asking import ask_of_folder
from backstay.ports.clock import Clock
from backstay.ports.progress import Progress
from backstay.ports.runner import Runner

from . import structure
from .data import Comparison
from .manifest import Manifest
from .restored import Restored
from .words import SPELLED, listed, reasons

_NO_RECORD = "no fingerprint was recorded with this point"


@dataclass(frozen=True, slots=True)
class RaisedFiles:
    """Files need no service, so they are raised as soon as they lie there."""

    restored: Restored
    manifest: Manifest | None
    runner: Runner
    clock: Clock

    @property
    def started(self) -> LevelResult:
        amount = self.restored.tree.amount()
        detail = f"a tree of files needs no service; {amount.items:,} files with {amount.bytes:,} bytes lie there"
        return LevelResult("L3", "passed", detail)

    def structure(self, progress: Progress) -> LevelResult:
        if self.manifest is None:
            return LevelResult("L4", "skipped", _NO_RECORD)
        able = structure.powers(self.restored.folder, self.manifest)
        wrong = structure.problems(self.manifest, self.restored, able, progress)
        known = self.manifest.states()[0]
        good = f"{known:,} entries have the types, modes, owners, links and attributes that were recorded"
        return _judged("L4", wrong, good, [*able.remarks(), *self._doubts()])

    def data(self, progress: Progress) -> LevelResult:
        if self.manifest is None:
            return LevelResult("L5", "skipped", _NO_RECORD)
        comparison = Comparison(self.manifest, self.restored, progress)
        wrong = list(comparison.problems())
        if not wrong and not comparison.compared:
            reason = "; ".join(["there was no file whose content could be compared", *self._doubts()])
            return LevelResult("L5", "skipped", reason)
        by = SPELLED[self.manifest.hash]
        good = f"{comparison.compared:,} files equal in size, modification time and {by} what was recorded"
        return _judged("L5", wrong, good, self._doubts())

    def ask(self, question: Question, progress: Progress) -> LevelResult:
        return ask_of_folder(question, self.restored.folder, self.runner, self.clock, progress)

    def _doubts(self) -> list[str]:
        words = reasons(self.manifest.states()) if self.manifest else ""
        return [words] if words else []


def _judged(level: Level, wrong: Iterable[str], good: str, remarks: list[str]) -> LevelResult:
    sentences = list(wrong)
    detail = "; ".join([listed(sentences) or good, *remarks])
    return LevelResult(level, "failed" if sentences else "passed", detail)
