"""A restored stream under judgement."""

from __future__ import annotations

import os
from dataclasses import dataclass

from blake3 import blake3

from backstay.domain.drills import LevelResult
from backstay.domain.estate import Question
from backstay.domain.points import Fingerprint
from backstay.ports.asking import ask_of_folder
from backstay.ports.clock import Clock
from backstay.ports.progress import Progress
from backstay.ports.runner import Runner

METHOD = "command/blake3/1"
_NO_RECORD = "no fingerprint was recorded with this point"


@dataclass(frozen=True, slots=True)
class RaisedStream:
    """One file that should hold the bytes the command wrote."""

    folder: str
    file_name: str
    fingerprint: Fingerprint | None
    runner: Runner
    clock: Clock

    @property
    def started(self) -> LevelResult:
        return LevelResult("L3", "passed", "a stream of bytes needs no service")

    def structure(self, progress: Progress) -> LevelResult:
        path = os.path.join(self.folder, self.file_name)
        if not os.path.isfile(path):
            return LevelResult("L4", "failed", f"{self.file_name} is not among what was restored")
        recorded = self._recorded()
        if recorded is None:
            return LevelResult("L4", "skipped", _NO_RECORD)
        size = os.path.getsize(path)
        if size != recorded[0]:
            return LevelResult("L4", "failed", f"{self.file_name} has {size:,} bytes; {recorded[0]:,} were written")
        return LevelResult("L4", "passed", f"{self.file_name} has the {size:,} bytes that were written")

    def data(self, progress: Progress) -> LevelResult:
        recorded = self._recorded()
        if recorded is None:
            return LevelResult("L5", "skipped", _NO_RECORD)
        try:
            digest = _digest(os.path.join(self.folder, self.file_name), progress)
        except OSError as error:
            return LevelResult("L5", "failed", f"{self.file_name} cannot be read: {error.strerror}")
        if digest != recorded[1]:
            return LevelResult("L5", "failed", f"{self.file_name} does not hold the bytes that were written")
        return LevelResult("L5", "passed", f"the BLAKE3 of {self.file_name} is that of the bytes that were written")

    def ask(self, question: Question, progress: Progress) -> LevelResult:
        return ask_of_folder(question, self.folder, self.runner, self.clock, progress)

    def _recorded(self) -> tuple[int, str] | None:
        if self.fingerprint is None or self.fingerprint.method != METHOD:
            return None
        return self.fingerprint.facts["bytes"], self.fingerprint.facts["blake3"]


def _digest(path: str, progress: Progress) -> str:
    digest = blake3()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            progress.check()
            digest.update(chunk)
    return digest.hexdigest()
