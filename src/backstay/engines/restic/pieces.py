"""A repository's files, judged without restic: restic names each file by the SHA-256 of its content."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from backstay.domain.errors import RepositoryDamaged
from backstay.domain.points import Inventory
from backstay.ports.engine import VerifyReport
from backstay.ports.progress import Progress
from backstay.ports.store import Store

_PIECE = re.compile(r"config|(?:data/[0-9a-f]{2}|index|snapshots|keys)/[0-9a-f]{64}")


def lasting(store: Store) -> dict[str, int]:
    """What must stay: everything but locks, which come and go, and leftovers of writes that were cut off."""
    return {name: size for name, size in store.pieces().items() if _PIECE.fullmatch(name)}


def names(store: Store, under: str) -> frozenset[str]:
    """The hashes of the files in one folder."""
    found = (piece.rpartition("/")[2] for piece in store.pieces(under))
    return frozenset(name for name in found if re.fullmatch(r"[0-9a-f]{64}", name))


def verify(store: Store, expected: Inventory | None, progress: Progress) -> VerifyReport:
    """Names and sizes first, since restic 0.14 retries a missing or cut piece for 44 seconds; then every hash."""
    there = store.pieces()
    lasting = {name: size for name, size in there.items() if _PIECE.fullmatch(name)}
    wanted = expected.pieces if expected else {}
    pruned = _was_pruned(wanted, lasting)
    differing = {name: size for name, size in wanted.items() if lasting.get(name) != size}
    lost = {name: _difference(name, size, lasting.get(name)) for name, size in differing.items()}
    excused = {name for name in lost if pruned and name not in lasting and name.startswith(("data/", "index/"))}
    problems = [sentence for name, sentence in lost.items() if name not in excused]
    remarks = ["the repository was pruned by hand: older pieces are gone"] if excused else []
    strangers = [f"{name} is left over from a write that was cut off" for name in there if _is_leftover(name)]
    wrong = _wrong_hashes(store, {name: size for name, size in lasting.items() if name not in lost}, progress)
    return VerifyReport(len(lasting), sum(lasting.values()), (*problems, *wrong), (*remarks, *strangers))


def _was_pruned(wanted: Mapping[str, int], there: Mapping[str, int]) -> bool:
    """Only a prune or a rebuilt index replaces index files; a loss takes some away and adds none."""
    before, now = ({name for name in pieces if name.startswith("index/")} for pieces in (wanted, there))
    return bool(before - now) and bool(now - before)


def _difference(name: str, wanted: int, there: int | None) -> str:
    return f"{name} is missing" if there is None else f"{name} has {there} bytes instead of {wanted}"


def _is_leftover(name: str) -> bool:
    return not _PIECE.fullmatch(name) and name.startswith(("data/", "index/", "snapshots/", "keys/"))


def _wrong_hashes(store: Store, pieces: Mapping[str, int], progress: Progress) -> Iterator[str]:
    done, total = 0, sum(pieces.values())
    for name, size in pieces.items():
        progress.check()
        if wrong := _wrong_hash(store, name):
            yield wrong
        done += size
        progress.moved(done, total)


def _wrong_hash(store: Store, name: str) -> str | None:
    if name == "config":  # restic finds this one by its name alone
        return None
    try:
        content = store.digest(name)
    except RepositoryDamaged as error:
        return error.message
    return None if content == name.rpartition("/")[2] else f"{name} is damaged: its content does not match its name"
