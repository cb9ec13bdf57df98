"""A backup tool behind one small door."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from backstay.domain.findings import Finding
from backstay.domain.points import Inventory
from backstay.domain.secrets import Secret, SecretRef

from .progress import Progress
from .store import Store

SEAL_FILE = "backstay-seal.json"
"""Lies beside the data in every snapshot of paths: names the run, its nonce and `as_of`."""


@dataclass(frozen=True, slots=True)
class Repository:
    """An engine's store in a target, opened with `password`. `environment` holds further credentials.

    `door` is the address of a gateway that the engine must use instead of the store's location. On the machines named
    in `idle` nothing of ours runs, so that locks of theirs are locks of the dead.
    """

    engine: str
    target: str
    name: str
    password: Secret
    store: Store
    environment: Mapping[str, Secret] = field(default_factory=dict)
    door: Secret | None = None
    idle: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Paths:
    """Files to copy: absolute paths, and paths relative to `cwd`, which are stored without it."""

    cwd: str
    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes to copy under `file_name`. `chunks` raises at its end when the producer failed."""

    file_name: str
    chunks: Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """What to copy, and the marks by which the snapshot is found again. `pace` is as in `Command`."""

    repository: Repository
    run_id: str
    workload: str
    nonce: str
    source: Paths | Stream
    as_of: datetime
    parent: str | None = None
    pace: Callable[[], float | None] | None = None


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What was stored. `snapshot` is the engine's full name for it; `unreadable` what could not be read."""

    snapshot: str
    bytes_read: int
    bytes_added: int
    files: int
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A snapshot as the repository lists it.

    `snapshots` begins with its name; earlier names follow if it was rewritten.
    """

    snapshots: tuple[str, ...]
    run_id: str | None
    workload: str | None
    nonce: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """Bring `snapshot` back into the empty folder `into`; `include` narrows it to patterns; the seal
    comes only `with_seal`."""

    repository: Repository
    snapshot: str
    into: str
    include: tuple[str, ...] = ()
    with_seal: bool = False


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What lies in the folder now; `complaints` are lines of the tool's log that do not belong in a clean one."""

    files: int
    bytes: int
    complaints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """How deep: `names` compares names and sizes of stored files with `expected` and reads none; `pieces` hashes them
    too; `structure` asks the engine for its own check; `everything` has it read all stored bytes."""

    repository: Repository
    depth: Literal["names", "pieces", "structure", "everything"]
    expected: Inventory | None = None


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was looked at, and what is wrong, each as a sentence naming the piece.

    Damage is a result, not an exception.
    """

    checked: int
    bytes: int
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForgetRequest:
    """Take these snapshots out of the repository."""

    repository: Repository
    snapshots: tuple[str, ...]
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class ForgetReport:
    """Which of them are gone, as seen by listing again."""

    gone: tuple[str, ...]


class Engine(Protocol):
    """Errors: a wrong key is EngineFailed, a dead host or a held lock Unavailable, broken bytes RepositoryDamaged."""

    @property
    def name(self) -> str: ...

    def version(self) -> str:
        """The tool's own version; EngineFailed with a hint if it is not installed."""

    def preflight(self, repository: Repository, progress: Progress) -> Sequence[Finding]:
        """Look before work; costs no more than a listing of the store."""

    def create(self, repository: Repository, progress: Progress) -> None:
        """Make an empty repository in the store; does nothing if there is one."""

    def release(self, repository: Repository, progress: Progress) -> None:
        """Take away locks whose owner is proven dead. Called after a crash, before the work is tried again."""

    def backup(self, request: BackupRequest, progress: Progress) -> BackupReport:
        """Copy the source. When it returns, the snapshot was seen in the store itself.

        When it raises, nothing looks whole.
        """

    def inventory(self, repository: Repository, at: datetime) -> Inventory:
        """The pieces that must be there from now on, read from the store without the engine's help."""

    def restore_points(self, repository: Repository, progress: Progress) -> Sequence[StoredPoint]:
        """Every snapshot in the repository, newest first."""

    def restore(self, request: RestoreRequest, progress: Progress) -> RestoreReport:
        """Fill the folder; Refused if it is not empty."""

    def verify(self, request: VerifyRequest, progress: Progress) -> VerifyReport:
        """Look for damage as deep as asked."""

    def runbook(self, location: str, key: SecretRef, snapshot: str, into: str) -> tuple[str, ...]:
        """Shell lines of the stock tool that bring `snapshot` back into the folder `into`, without Backstay.

        They say where the key lies; the key itself is not in them.
        """

    def forget(self, request: ForgetRequest, progress: Progress) -> ForgetReport:
        """Remove what was asked and nothing that others need."""
