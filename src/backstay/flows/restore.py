"""Bring stored artefacts back, and look at stored bytes: what a person asks for, at once and not durably."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from backstay.domain.errors import EngineFailed, Refused, RepositoryDamaged
from backstay.domain.points import RestorePoint
from backstay.ports.engine import Repository, RestoreReport, RestoreRequest, StoredPoint, VerifyReport, VerifyRequest
from backstay.ports.progress import Progress
from backstay.proof.judging import own_snapshot_of, several

from .adapters import Adapters

INCOMPLETE = "RESTORE-INCOMPLETE.txt"
"""Lies in the folder of a restore that broke off."""


@dataclass(frozen=True, slots=True)
class RepositoryVerdict:
    """One repository looked at: `problems` is empty when it is whole."""

    target: str
    engine: str
    repository: str
    checked: int
    bytes: int
    problems: tuple[str, ...]
    remarks: tuple[str, ...]


def restore_point(
    adapters: Adapters, point: RestorePoint, into: str, include: tuple[str, ...], progress: Progress
) -> RestoreReport:
    """Fill the empty folder `into` with the artefacts of a point, without its seal.

    Another snapshot than the point's own is never taken for it. What came back in part is marked as such.
    """
    engine = adapters.engine(point.engine)
    repository = adapters.repository(adapters.workload(point.workload), adapters.target(point.target))
    progress.phase("restore")
    snapshot = _own_snapshot(point, repository, engine.restore_points(repository, progress))
    with _marked_unless_whole(into, point):
        report = engine.restore(RestoreRequest(repository, snapshot, into, include=include), progress)
        if report.complaints:
            message = f"not everything of point {point.point} could be restored: {several(report.complaints)}"
            raise EngineFailed(message, subject=point.point, hint=f"What could be restored lies in {into}.")
    return report


def _own_snapshot(point: RestorePoint, repository: Repository, listed: Sequence[StoredPoint]) -> str:
    """The name under which the point's snapshot is stored now."""
    stored = own_snapshot_of(point, listed)
    if stored is None:
        raise RepositoryDamaged(
            _lost(point), subject=point.point, hint=f"Restore another one: backstay points {point.workload}."
        )
    return stored.snapshots[0]


@contextmanager
def _marked_unless_whole(folder: str, point: RestorePoint) -> Iterator[None]:
    """A restore that broke off leaves what it saved, beside a file that says so: it must not look whole."""
    try:
        yield
    except Refused:
        raise  # the folder is somebody's, and was not touched
    except BaseException as error:
        if os.path.isdir(folder) and os.listdir(folder):
            Path(folder, INCOMPLETE).write_text(f"the restore of point {point.point} broke off here: {error}\n")
        raise


def _lost(point: RestorePoint) -> str:
    return f"point {point.point} as of {point.as_of:%Y-%m-%d %H:%M} UTC has no snapshot any more"


def verify_repository(
    adapters: Adapters, point: RestorePoint, depth: Literal["structure", "everything"], progress: Progress
) -> RepositoryVerdict:
    """Look at the pieces first, then let the engine look: the repository of `point`, with all its points."""
    engine = adapters.engine(point.engine)
    repository = adapters.repository(adapters.workload(point.workload), adapters.target(point.target))
    expected = adapters.catalog.inventory(repository.target, repository.engine, repository.name)
    progress.phase("pieces")
    pieces = engine.verify(VerifyRequest(repository, "pieces", expected), progress)
    # The engine tries a missing piece again for most of a minute; what is known to be damaged is not asked about.
    deeper = VerifyReport(0, 0) if pieces.problems else _asked(adapters, point, repository, depth, progress)
    return RepositoryVerdict(
        point.target,
        point.engine,
        repository.name,
        pieces.checked,
        pieces.bytes,
        pieces.problems + deeper.problems,
        pieces.remarks + deeper.remarks,
    )


def _asked(
    adapters: Adapters,
    point: RestorePoint,
    repository: Repository,
    depth: Literal["structure", "everything"],
    progress: Progress,
) -> VerifyReport:
    """What the engine says, and which points stand for nothing any more; a repository that it cannot open is one of
    its findings, so that the others are looked at too."""
    engine = adapters.engine(point.engine)
    progress.phase("check")
    try:
        listed = engine.restore_points(repository, progress)
        report = engine.verify(VerifyRequest(repository, depth), progress)
    except (RepositoryDamaged, EngineFailed) as error:
        return VerifyReport(0, 0, (error.message,))
    ours = adapters.catalog.points(point.workload)
    here = [each for each in ours if (each.target, each.engine) == (point.target, point.engine)]
    lost = tuple(_lost(each) for each in here if own_snapshot_of(each, listed) is None)
    return replace(report, problems=lost + report.problems)
