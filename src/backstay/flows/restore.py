"""Bring stored artefacts back, and look at stored bytes: what a person asks for, at once and not durably."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backstay.domain.points import RestorePoint
from backstay.ports.engine import RestoreReport, RestoreRequest, StoredPoint, VerifyReport, VerifyRequest
from backstay.ports.progress import Progress

from .adapters import Adapters


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
    """Fill the empty folder `into` with the artefacts of a point, without its seal."""
    workload = adapters.workload(point.workload)
    repository = adapters.repository(workload, adapters.target(point.target))
    progress.phase("restore")
    return adapters.engine(point.engine).restore(
        RestoreRequest(repository, point.snapshot, into, include=include), progress
    )


def _lost(adapters: Adapters, point: RestorePoint, listed: Sequence[StoredPoint]) -> tuple[str, ...]:
    """Points of the catalog that stand for nothing in the repository any more."""
    there = {stored.run_id for stored in listed}
    ours = adapters.catalog.points(point.workload)
    return tuple(
        f"point {each.point} as of {each.as_of:%Y-%m-%d %H:%M} UTC has no snapshot any more"
        for each in ours
        if (each.target, each.engine) == (point.target, point.engine) and each.run_id not in there
    )


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
    deeper = VerifyReport(0, 0)
    lost: tuple[str, ...] = ()
    if not pieces.problems:
        progress.phase("check")
        deeper = engine.verify(VerifyRequest(repository, depth), progress)
        lost = _lost(adapters, point, engine.restore_points(repository, progress))
    return RepositoryVerdict(
        point.target,
        point.engine,
        repository.name,
        pieces.checked,
        pieces.bytes,
        pieces.problems + lost + deeper.problems,
        pieces.remarks + deeper.remarks,
    )
