"""Bring stored artefacts back, and look at stored bytes: what a person asks for, at once and not durably."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from backstay.domain.errors import ConfigError, EngineFailed, MachineLacks, Refused, RepositoryDamaged
from backstay.domain.points import RestorePoint
from backstay.ports.engine import Repository, RestoreReport, RestoreRequest, StoredPoint, VerifyReport, VerifyRequest
from backstay.ports.progress import Progress
from backstay.proof.judging import own_snapshot_of, several

from .adapters import Adapters
from .ways import opened

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
    written_off: tuple[str, ...] = ()
    """Points that no longer count: those without a snapshot, and all of a repository with damaged pieces."""


def restore_point(
    adapters: Adapters, point: RestorePoint, into: str, include: tuple[str, ...], progress: Progress
) -> RestoreReport:
    """Fill the empty folder `into` with the artefacts of a point, without its seal.

    Another snapshot than the point's own is never taken for it. What came back in part is marked as such.
    """
    engine = adapters.engine(point.engine)
    progress.phase("restore")
    with (
        opened(adapters, adapters.workload(point.workload), adapters.target(point.target)) as repository,
        _marked_unless_whole(into, point),
    ):
        snapshot = _own_snapshot(point, engine.restore_points(repository, progress))
        report = engine.restore(RestoreRequest(repository, snapshot, into, include=include), progress)
        if report.complaints:
            message = f"not everything of point {point.point} could be restored: {several(report.complaints)}"
            raise EngineFailed(message, subject=point.point, hint=f"What could be restored lies in {into}.")
    if include and not os.listdir(into):
        message = f"nothing in point {point.point} matches {', '.join(include)}"
        raise ConfigError(message, subject=point.point, hint="Patterns are restic's, and absolute ones begin with /.")
    return report


def _own_snapshot(point: RestorePoint, listed: Sequence[StoredPoint]) -> str:
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
    with opened(adapters, adapters.workload(point.workload), adapters.target(point.target)) as repository:
        return _verified(adapters, point, repository, depth, progress)


def _verified(
    adapters: Adapters,
    point: RestorePoint,
    repository: Repository,
    depth: Literal["structure", "everything"],
    progress: Progress,
) -> RepositoryVerdict:
    engine = adapters.engine(point.engine)
    expected = adapters.catalog.inventory(repository.target, repository.engine, repository.name)
    ours = [
        each
        for each in adapters.catalog.points(point.workload, counting=True)
        if (each.target, each.engine) == (point.target, point.engine)
    ]
    progress.phase("pieces")
    if repository.store.exists():
        seen = engine.verify(VerifyRequest(repository, "pieces", expected), progress)
    else:
        seen = VerifyReport(0, 0, (f"the repository {repository.store.location} is gone",))
    written_off = ours if seen.problems else []
    # The engine tries a missing piece again for most of a minute; what is known to be damaged is not asked about.
    if not seen.problems:
        seen, written_off = _asked(adapters, ours, repository, depth, seen, progress)
    return RepositoryVerdict(
        point.target,
        point.engine,
        repository.name,
        seen.checked,
        seen.bytes,
        seen.problems,
        seen.remarks,
        tuple(each.point for each in written_off),
    )


def _asked(
    adapters: Adapters,
    ours: Sequence[RestorePoint],
    repository: Repository,
    depth: Literal["structure", "everything"],
    pieces: VerifyReport,
    progress: Progress,
) -> tuple[VerifyReport, list[RestorePoint]]:
    """What the engine adds, and which of our points no longer count.

    A repository that it cannot open is one of its findings, so that the others are looked at too; its points are not
    written off for what may be a wrong key.
    """
    engine = adapters.engine(repository.engine)
    progress.phase("check")
    try:
        listed = engine.restore_points(repository, progress)
        report = engine.verify(VerifyRequest(repository, depth), progress)
    except RepositoryDamaged as error:
        return replace(pieces, problems=(error.message,)), list(ours)
    except MachineLacks:
        raise
    except EngineFailed as error:
        return replace(pieces, problems=(error.message,)), []
    lost = [each for each in ours if own_snapshot_of(each, listed) is None]
    problems = (*map(_lost, lost), *report.problems)
    whole = replace(pieces, problems=problems, remarks=pieces.remarks + report.remarks)
    return whole, list(ours) if report.problems else lost
