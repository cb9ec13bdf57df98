"""Whether a repository may be written to: made once, whole as far as a glance tells, and not known to be damaged."""

from __future__ import annotations

from backstay.domain.errors import RepositoryDamaged, Unavailable
from backstay.domain.points import Inventory
from backstay.ports.engine import Repository, VerifyRequest
from backstay.proof.judging import several

from .adapters import Adapters
from .work import Work


def make_ready(adapters: Adapters, work: Work, repository: Repository) -> None:
    """The repository exists and may be trusted with another snapshot, or RepositoryDamaged says what to do.

    A tool that knows a block from its index does not look for it: a new snapshot in a damaged repository would lack
    what the old ones lack.
    """
    repository.store.prepare()
    if not repository.store.exists():
        _create(adapters, work, repository)
        return
    expected = adapters.catalog.inventory(repository.target, repository.engine, repository.name)
    seen = work.engine.verify(VerifyRequest(repository, "names", expected), work.progress)
    if seen.problems:
        require_what_was_stored(adapters, repository)
        raise _damaged(repository, several(seen.problems), f"backstay verify {work.workload.name}")
    if expected and (known := _found_by_a_drill(adapters, work, expected)):
        raise _damaged(repository, f"the last drill found: {known}", f"backstay drill {work.workload.name}")


def require_what_was_stored(adapters: Adapters, repository: Repository) -> None:
    """Unavailable where nothing is left of what was stored, but other files are there: what was written beneath a mount
    that was away. It is waited for, and damage is what somebody has to mend."""
    if not _counts(adapters, repository):
        return
    expected = adapters.catalog.inventory(repository.target, repository.engine, repository.name)
    there = repository.store.pieces()
    if expected and there and not expected.pieces.keys() & there.keys():
        raise Unavailable(
            f"{repository.store.location} has files, and none of those that were stored there",
            subject=f"{repository.target}/{repository.name}",
            hint="Mount its disk; the files that are there now lie beneath the mount and can be removed. If it was "
            f"begun anew on purpose, backstay verify {repository.name} writes the old points off.",
        )


def _counts(adapters: Adapters, repository: Repository) -> bool:
    counting = adapters.catalog.points(repository.name, counting=True)
    return any((point.target, point.engine) == (repository.target, repository.engine) for point in counting)


def _create(adapters: Adapters, work: Work, repository: Repository) -> None:
    """A repository is made once. One that was there and is gone is not replaced by an empty one in silence."""
    place = repository.store.location
    if _counts(adapters, repository):
        raise RepositoryDamaged(
            f"the repository {place} is gone",
            subject=f"{repository.target}/{repository.name}",
            hint=f"Bring it back, or mount it. If it is lost for good, backstay verify {work.workload.name} writes its "
            "points off, and the next run begins anew.",
        )
    work.engine.create(repository, work.progress)
    work.progress.note(f"made the repository {place}")


def _found_by_a_drill(adapters: Adapters, work: Work, expected: Inventory) -> str | None:
    """Damage to stored pieces that a drill saw after the last backup, and that no drill has seen mended since."""
    facts = adapters.catalog.facts().get(work.workload.name)
    drill = facts.last_drill if facts else None
    point = adapters.catalog.point(drill.point) if drill else None
    if drill is None or point is None or point.target != work.target.name or drill.ended_at < expected.at:
        return None
    broken = [level.detail for level in drill.levels if level.level in ("L0", "L1") and level.result == "failed"]
    return broken[0] if broken else None


def _damaged(repository: Repository, what: str, look: str) -> RepositoryDamaged:
    place = repository.store.location
    return RepositoryDamaged(
        f"the repository {repository.target}/{repository.name} is damaged: {what}",
        subject=f"{repository.target}/{repository.name}",
        hint=f"Mend it from another copy or by its own tool, then {look}. Or set it aside and begin anew: "
        f"mv {place} {place}.damaged, backstay verify {repository.name}, backstay run {repository.name}.",
    )
