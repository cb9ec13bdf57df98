"""How a user's own command or checksum is asked of a restored folder: the same for every kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backstay.domain.drills import LevelResult
from backstay.domain.errors import Cancelled
from backstay.domain.estate import Question

from .clock import Clock
from .progress import Progress, Silent
from .runner import Command, Runner

LIMIT_S = 600.0
"""Longer than this no question may take; a drill must end."""


def ask_of_folder(
    question: Question, folder: str, runner: Runner, clock: Clock, progress: Progress, limit_s: float = LIMIT_S
) -> LevelResult:
    """L7 by a command run in `folder` without a network, or by the SHA-256 of a file in it."""
    limited = _Limited(progress, clock, clock.elapsed() + limit_s)
    try:
        if question.command:
            return _ask_command(question, question.command, folder, runner, limited)
        if question.checksum:
            return _ask_checksum(question, question.checksum, folder, runner, limited)
    except _TooLong:
        return _answer("failed", f"{question.name} took longer than {limit_s:.0f} seconds and was stopped")
    return _answer("skipped", f"{question.name} is a query, and there is no database to put it to")


def _ask_command(
    question: Question, argv: tuple[str, ...], folder: str, runner: Runner, progress: Progress
) -> LevelResult:
    ended = runner.run(Command(argv, cwd=folder, private_network=True), progress)
    if ended.status == 0:
        return _answer("passed", f"{question.name}: {argv[0]} ended well")
    said = ended.err.strip().splitlines() or ended.out.strip().splitlines() or ["nothing"]
    return _answer("failed", f"{question.name}: {argv[0]} ended with status {ended.status} and said: {said[-1]}")


def _ask_checksum(question: Question, path: str, folder: str, runner: Runner, progress: Progress) -> LevelResult:
    inside = f"./{path.lstrip('/')}"
    real = runner.run(Command(("realpath", "-ez", "--", ".", inside), cwd=folder), progress)
    if real.status != 0:
        return _answer("failed", f"{question.name}: {path} is not among what was restored")
    top, found, _ = real.out.split("\0")
    if not found.startswith(f"{top}/"):  # a link that was restored may point to the very file in production
        return _answer("failed", f"{question.name}: {path} leads out of the restored folder, to {found}")
    summed = runner.run(Command(("sha256sum", "-z", "--", found)), progress)
    digest = summed.out.partition(" ")[0]
    if digest == (question.expect or "").lower():
        return _answer("passed", f"{question.name}: {path} has the expected SHA-256")
    return _answer("failed", f"{question.name}: the SHA-256 of {path} is {digest or 'not readable'}, not as expected")


def _answer(result: Literal["passed", "failed", "skipped"], detail: str) -> LevelResult:
    return LevelResult("L7", result, detail)


class _TooLong(Cancelled):
    """Ends a question; it never leaves this module."""


@dataclass(frozen=True, slots=True)
class _Limited(Silent):
    progress: Progress
    clock: Clock
    until: float

    def check(self) -> None:
        self.progress.check()
        if self.clock.elapsed() > self.until:
            raise _TooLong("the question takes too long")
