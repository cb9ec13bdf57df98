"""A restored database under judgement."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from backstay.domain.drills import Level, LevelResult
from backstay.domain.estate import Question
from backstay.domain.points import Fingerprint
from backstay.ports.asking import LIMIT_S, ask_of_folder
from backstay.ports.clock import Clock
from backstay.ports.engine import SEAL_FILE
from backstay.ports.progress import Progress
from backstay.ports.runner import Runner

from .database import connect_still, digest_of, judged, lacks_extension, quick_check
from .record import Record, differences, foreign_key_violations, missing_rows, read

_NO_RECORD = "no fingerprint was recorded with this point"


@dataclass(frozen=True, slots=True)
class RaisedSqlite:
    """The restored file, read where it lies: opened as immutable, it is neither locked nor changed."""

    folder: str
    file_name: str
    fingerprint: Fingerprint | None
    record: Record | None
    runner: Runner
    clock: Clock

    @property
    def file(self) -> str:
        return os.path.join(self.folder, self.file_name)

    @property
    def started(self) -> LevelResult:
        if not os.path.isfile(self.file):
            return LevelResult("L3", "failed", f"{self.file_name} is not among what was restored")
        return _result(
            "L3", judged(self.file, _integrity), f"{self.file_name} opens and its integrity check finds nothing"
        )

    def structure(self, progress: Progress) -> LevelResult:
        wrong = self._nothing_there() or self._strange_files()
        if self.record is None and wrong is None:
            return LevelResult("L4", "skipped", _NO_RECORD)
        wrong = wrong or judged(self.file, lambda restored: self._structural(restored, progress))
        parts = len(self.record.objects) if self.record else 0
        return _result("L4", wrong, f"{parts:,} tables, indexes, views and triggers are as recorded")

    def data(self, progress: Progress) -> LevelResult:
        if wrong := self._nothing_there():
            return _result("L5", wrong, "")
        if self.record is None or self.fingerprint is None:
            return LevelResult("L5", "skipped", _NO_RECORD)
        if digest_of(self.file, progress) == self.fingerprint.facts["blake3"]:
            good = f"{self.file_name} is the recorded file, byte for byte: {self.record.total:,} rows"
            return _result("L5", None, good)
        return _result("L5", judged(self.file, lambda restored: self._rows(restored, progress)), "")

    def ask(self, question: Question, progress: Progress) -> LevelResult:
        if question.query is None:
            return ask_of_folder(question, self.folder, self.runner, self.clock, progress)
        try:
            with closing(connect_still(self.file)) as restored:
                found = self._answer(restored, question.query, progress)
        except sqlite3.Error as error:
            return _result("L7", f"{question.name}: the query failed: {error}", "")
        good = f"{question.name}: the answer is {found}"
        return _result("L7", None if found == question.expect else f"{good}; {question.expect} was expected", good)

    def _answer(self, restored: sqlite3.Connection, query: str, progress: Progress) -> str:
        until = self.clock.elapsed() + LIMIT_S
        restored.set_progress_handler(lambda: self.clock.elapsed() > until, 100_000)
        progress.check()
        row = restored.execute(query).fetchone()
        return "nothing" if row is None else "NULL" if row[0] is None else str(row[0])

    def _nothing_there(self) -> str | None:
        if not os.path.isfile(self.file):
            return f"{self.file_name} is not among what was restored"
        # To SQLite an empty file is a sound database; it is one to us only if it was recorded so.
        if os.path.getsize(self.file) == 0:
            return f"{self.file_name} is empty"
        return None

    def _strange_files(self) -> str | None:
        """A write-ahead log from elsewhere would be played into the copy by the first program to open it."""
        strange = sorted(set(os.listdir(self.folder)) - {self.file_name, SEAL_FILE})
        return f"{', '.join(strange[:3])} was not backed up with {self.file_name}" if strange else None

    def _structural(self, restored: sqlite3.Connection, progress: Progress) -> str | None:
        if self.record is None or self.fingerprint is None:
            return None
        wrong = sorted(differences(self.record, read(restored, progress)))
        violations, recorded = foreign_key_violations(restored), self.fingerprint.facts["foreign_key_violations"]
        if violations is not None and recorded is not None and violations > recorded:
            wrong.append(f"{violations:,} rows refer to rows that are not there; {recorded:,} did")
        return _joined(wrong)

    def _rows(self, restored: sqlite3.Connection, progress: Progress) -> str:
        wrong = sorted(missing_rows(self.record, read(restored, progress))) if self.record else []
        # Other bytes with as many rows may hold other values; nothing cheaper than the bytes can tell.
        return _joined(wrong) or f"{self.file_name} has other bytes than recorded, though every table has as many rows"


def _integrity(restored: sqlite3.Connection) -> str | None:
    try:
        return quick_check(restored, "integrity_check")
    except sqlite3.OperationalError as error:
        if lacks_extension(error):  # the same holds for the source; its owner's program alone can check such an index
            return None
        raise


def _joined(wrong: list[str], most: int = 5) -> str | None:
    more = [f"and {len(wrong) - most:,} more"] if len(wrong) > most else []
    return "; ".join([*islice(wrong, most), *more]) or None


def _result(level: Level, wrong: str | None, good: str) -> LevelResult:
    return LevelResult(level, "failed" if wrong else "passed", wrong or good)
