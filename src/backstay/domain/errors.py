"""Errors sorted by who acts next, and the exit code each of them ends in."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar


class ExitCode(IntEnum):
    """What the program's exit status means; a number never changes its meaning."""

    GOOD = 0
    FAILED = 1
    WRONG_INPUT = 2
    PARTLY = 3
    REFUSED = 4
    UNAVAILABLE = 5
    DAMAGED = 6
    IMPOSSIBLE = 7
    WARNINGS = 8
    OUR_BUG = 70
    INTERRUPTED = 130


class BackstayError(Exception):
    """Something that stops what was asked, said so that the person who must act can act.

    `message` says what happened to which thing, in lower case; `hint` says what to do, as a sentence.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    retry: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        subject: str | None = None,
        hint: str | None = None,
        path: str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.subject = subject
        self.hint = hint
        self.path = path
        self.line = line

    def details(self) -> dict[str, Any]:
        """Everything but the message, by keyword: what is needed to make an equal error."""
        return {"subject": self.subject, "hint": self.hint, "path": self.path, "line": self.line}

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.details())


def _rebuild(cls: type[BackstayError], message: str, details: dict[str, Any]) -> BackstayError:
    return cls(message, **details)


class ConfigError(BackstayError):
    """The author of a file acts: a value is wrong, and `path` and `line` say where."""

    code = "config"
    exit_code = ExitCode.WRONG_INPUT


class PlanImpossible(BackstayError):
    """The owner of the policy acts: no plan can keep the objective."""

    code = "impossible"
    exit_code = ExitCode.IMPOSSIBLE


class Refused(BackstayError):
    """Nobody acts: a guard held. Never retried."""

    code = "refused"
    exit_code = ExitCode.REFUSED


class Unavailable(BackstayError):
    """Time acts: a host, repository or lock did not answer."""

    code = "unavailable"
    exit_code = ExitCode.UNAVAILABLE
    retry = True


class NotAdmitted(Unavailable):
    """A person acts: a host shows a key that we do not trust, or refuses our account. Asking again changes nothing, and
    may lock us out."""

    code = "not_admitted"
    retry = False


class SourceFailed(BackstayError):
    """The operator acts: what should be protected is missing, empty, shrunk or ended badly."""

    code = "source"


class EngineFailed(BackstayError):
    """The operator acts: a backup tool failed; the hint holds its last words, redacted."""

    code = "engine"


class MachineLacks(EngineFailed):
    """The operator acts: this machine lacks a program, memory or room. It says nothing about what is stored."""

    code = "machine"


class RepositoryDamaged(BackstayError):
    """The operator acts now: stored bytes are missing or wrong; nothing is expired from there."""

    code = "damaged"
    exit_code = ExitCode.DAMAGED


class CatalogError(BackstayError):
    """The operator acts: records cannot be read or written."""

    code = "catalog"


class Cancelled(BackstayError):
    """Nobody acts: somebody asked for the work to stop, and it stopped."""

    code = "cancelled"
    exit_code = ExitCode.FAILED


class InvariantBroken(BackstayError):
    """We act: the program met a state that it rules out."""

    code = "bug"
    exit_code = ExitCode.OUR_BUG


ERRORS: dict[str, type[BackstayError]] = {
    cls.code: cls
    for cls in (
        BackstayError,
        ConfigError,
        PlanImpossible,
        Refused,
        Unavailable,
        NotAdmitted,
        SourceFailed,
        EngineFailed,
        MachineLacks,
        RepositoryDamaged,
        CatalogError,
        Cancelled,
        InvariantBroken,
    )
}
