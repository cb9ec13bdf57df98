"""What must be known about a kind of workload to copy it whole and to prove the copy."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from backstay.domain.drills import LevelResult
from backstay.domain.estate import Question, Workload
from backstay.domain.findings import Finding
from backstay.domain.points import Fingerprint
from backstay.domain.runs import Amount
from backstay.domain.secrets import SecretRef

from .engine import Paths, Stream
from .progress import Progress


@dataclass(frozen=True, slots=True)
class Look:
    """What a source is like from outside, found cheaply; `version` of the server or format where there is one."""

    amount: Amount
    version: str | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """`place` is a private folder on a disk of the worker's, empty but for the seal, for what must be staged.
    `previous` is the fingerprint of the newest point, to be carried over where nothing changed."""

    workload: Workload
    run_id: str
    place: str
    previous: Fingerprint | None = None


class Held(Protocol):
    """A source held still, or staged, so that one moment of it can be copied."""

    @property
    def source(self) -> Paths | Stream: ...

    @property
    def as_of(self) -> datetime:
        """The moment that the data is consistent with."""

    @property
    def amount(self) -> Amount | None:
        """How much there is, where that is known before the copy."""

    def fingerprint(self, progress: Progress) -> Fingerprint:
        """What the data was at `as_of`. Called once, after the copy has ended and before the source is let go."""


@dataclass(frozen=True, slots=True)
class RaiseRequest:
    """Restored artefacts in `folder`, to be brought to life in the private folder `place` and held
    against `fingerprint`."""

    workload: Workload
    folder: str
    place: str
    fingerprint: Fingerprint | None


class Raised(Protocol):
    """A restored workload that answers. The judgements are results, not exceptions."""

    @property
    def started(self) -> LevelResult:
        """L3: it runs, at the version expected."""

    def structure(self, progress: Progress) -> LevelResult:
        """L4 against the recorded structure."""

    def data(self, progress: Progress) -> LevelResult:
        """L5 against the recorded fingerprint; skipped, with the reason, if there is none to compare with."""

    def ask(self, question: Question, progress: Progress) -> LevelResult:
        """L7: one question of the user's."""


class Kind(Protocol):
    """Errors: a source that cannot be reached or refuses us is Unavailable; one that is missing, empty where it
    must not be, or ends badly is SourceFailed."""

    @property
    def name(self) -> str: ...

    @property
    def sealed(self) -> bool:
        """Whether its snapshots carry the seal beside the data: True for paths, False for streams."""

    def look(self, workload: Workload, progress: Progress) -> Look:
        """Is it there, and how much is it? Changes nothing."""

    def hold(self, request: HoldRequest, progress: Progress) -> AbstractContextManager[Held]:
        """Hold the source still while the context is open; it is let go whatever happens."""

    def raise_elsewhere(self, request: RaiseRequest, progress: Progress) -> AbstractContextManager[Raised]:
        """Bring the restored artefacts to life, without a way to production; gone when the context is left.
        What cannot be brought to life for a reason in the data is a Raised whose L3 failed; Unavailable means that
        this machine lacks what the test needs."""

    def runbook(self, workload: Workload, folder: str) -> tuple[str, ...]:
        """Stock-tool command lines that load restored artefacts from `folder`, for a person to follow."""


@runtime_checkable
class Loads(Protocol):
    """A kind whose artefacts can be loaded into a running server: a power that not every kind has."""

    def load(self, workload: Workload, folder: str, address: SecretRef | str, progress: Progress) -> None:
        """Load restored artefacts into the empty database at `address`; Refused if it holds tables already."""


Kinds = Mapping[str, Kind]
