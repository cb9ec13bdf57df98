from __future__ import annotations

import os
from pathlib import Path

import pytest

from backstay.app.engine_check import check_engine
from backstay.engines.memory import MemoryEngine
from backstay.host.clock import SystemClock
from backstay.ports.conformance import ENGINE_CHECKS
from backstay.ports.engine import BackupReport, BackupRequest, ForgetReport, ForgetRequest, VerifyReport, VerifyRequest
from backstay.ports.progress import Progress, Silent
from backstay.targets.path import PathStore


class Blind(MemoryEngine):
    """Never finds damage."""

    def verify(self, request: VerifyRequest, progress: Progress) -> VerifyReport:
        return VerifyReport(1, 1)


class Hoarder(MemoryEngine):
    """Says that it forgot, and did not."""

    def forget(self, request: ForgetRequest, progress: Progress) -> ForgetReport:
        return ForgetReport(request.snapshots)


class Boaster(MemoryEngine):
    """Reports a snapshot that is not there, and never a file that it could not read."""

    def backup(self, request: BackupRequest, progress: Progress) -> BackupReport:
        return BackupReport("f" * 64, 1, 1, 1)


def broken_promises(engine: MemoryEngine, folder: Path) -> list[str]:
    target, place = folder / "target", folder / "place"
    target.mkdir()
    place.mkdir()

    def store(name: str) -> PathStore:
        return PathStore(str(target), "memory", name, first_use=True)

    views = check_engine(engine, "vault", store, str(place), SystemClock(), Silent())
    assert len(views) == len(ENGINE_CHECKS)
    assert not os.listdir(place)
    assert not os.listdir(target / "memory")
    return [view.promise for view in views if not view.kept]


def test_a_good_engine_keeps_every_promise_and_leaves_the_target_as_it_was(tmp_path: Path) -> None:
    assert broken_promises(MemoryEngine(), tmp_path) == []


@pytest.mark.parametrize(
    ("liar", "caught"),
    [
        (Blind, {"a flipped byte is noticed", "a missing piece is noticed quickly", "a cut piece is noticed quickly"}),
        (Hoarder, {"forget removes what was asked and nothing that others need"}),
        (Boaster, {"what backup returns is listed", "what could not be read is reported"}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_an_engine_that_breaks_a_promise_is_caught(liar: type[MemoryEngine], caught: set[str], tmp_path: Path) -> None:
    assert caught <= set(broken_promises(liar(), tmp_path))
