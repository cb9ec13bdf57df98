"""A repository's files, judged without restic: restic names each file by the SHA-256 of its content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from backstay.domain.errors import RepositoryDamaged
from backstay.domain.points import Inventory
from backstay.ports.engine import VerifyReport
from backstay.ports.progress import Progress
from backstay.ports.store import Store

_PIECE = re.compile(r"config|(?:data/[0-9a-f]{2}|index|snapshots|keys)/[0-9a-f]{64}")

_BY_NAME = "config"
"""restic finds this one by its name alone; the others bear the hash of their content."""

_BATCH = 32


def begun_only(store: Store) -> tuple[str, ...]:
    """The keys of a repository whose making was cut off: no config yet, and nothing that was ever stored."""
    there = lasting(store)
    return tuple(there) if all(name.startswith("keys/") for name in there) else ()


def lasting(store: Store) -> dict[str, int]:
    """What must stay: everything but locks, which come and go, and leftovers of writes that were cut off."""
    return {name: size for name, size in store.pieces().items() if _PIECE.fullmatch(name)}


def names(store: Store, under: str) -> frozenset[str]:
    """The hashes of the files in one folder."""
    found = (piece.rpartition("/")[2] for piece in store.pieces(under))
    return frozenset(name for name in found if re.fullmatch(r"[0-9a-f]{64}", name))


def verify(store: Store, expected: Inventory | None, progress: Progress, *, read: bool) -> VerifyReport:
    """Names and sizes first, since restic 0.14 retries a missing or cut piece for 44 seconds; then, to `read` them,
    every hash."""
    there = store.pieces()
    lasting = {name: size for name, size in there.items() if _PIECE.fullmatch(name)}
    wanted = expected.pieces if expected else {}
    differing = {name: size for name, size in wanted.items() if lasting.get(name) != size}
    pruned = _was_pruned(wanted, lasting)
    excused = _excused([name for name in differing if name not in lasting], pruned)
    lost = [_difference(name, size, lasting.get(name)) for name, size in differing.items() if name not in excused]
    strangers = [f"{name} is left over from a write that was cut off" for name in there if _is_leftover(name)]
    unread = {name: size for name, size in lasting.items() if read and name not in differing}
    wrong = dict(_wrong_hashes(store, unread, progress))
    # A gateway writes under the final name. What came after the last point is needed by none, unless a prune wrote it.
    late = {name for name in wrong if expected and not pruned and name not in wanted}
    halves = [f"{name} is being written, or left over from a write that was cut off" for name in sorted(late)]
    problems = (*lost, *(message for name, message in wrong.items() if name not in late))
    remarks = (*sorted(set(excused.values())), *strangers, *halves)
    return VerifyReport(len(lasting), sum(lasting.values()), problems, remarks)


def gone(store: Store, expected: Inventory | None) -> frozenset[str]:
    """What should be there and is not."""
    return frozenset(expected.pieces) - store.pieces().keys() if expected else frozenset()


def _excused(missing: Iterable[str], pruned: bool) -> dict[str, str]:
    """Names whose absence is no damage, each with a remark.

    Somebody who tags, rewrites or forgets snapshots by hand takes their files away; whether the right one is still
    there is asked by listing them. A lost key file is noticed when the repository is opened.
    """
    remarks = {"snapshots": "snapshots were forgotten or rewritten by hand", "keys": "a key was taken away by hand"}
    if pruned:
        remarks |= dict.fromkeys(("data", "index"), "the repository was pruned by hand: older pieces are gone")
    return {name: remarks[folder] for name in missing if (folder := name.partition("/")[0]) in remarks}


def _was_pruned(wanted: Mapping[str, int], there: Mapping[str, int]) -> bool:
    """Only a prune or a rebuilt index replaces index files; a loss takes some away and adds none."""
    before, now = ({name for name in pieces if name.startswith("index/")} for pieces in (wanted, there))
    return bool(before - now) and bool(now - before)


def _difference(name: str, wanted: int, there: int | None) -> str:
    return f"{name} is missing" if there is None else f"{name} has {there} bytes instead of {wanted}"


def _is_leftover(name: str) -> bool:
    return not _PIECE.fullmatch(name) and name.startswith(("data/", "index/", "snapshots/", "keys/"))


def _wrong_hashes(store: Store, pieces: Mapping[str, int], progress: Progress) -> Iterator[tuple[str, str]]:
    """Names of pieces that do not hold what they should, each with what is wrong with it."""
    done, total = pieces.get(_BY_NAME, 0), sum(pieces.values())
    for some in _batches([name for name in pieces if name != _BY_NAME]):
        progress.check()
        for name, content in store.digests(some):
            if isinstance(content, RepositoryDamaged):
                yield name, content.message
            elif content != name.rpartition("/")[2]:
                yield name, f"{name} is damaged: its content does not match its name"
            done += pieces[name]
        progress.moved(done, total)


def _batches(names: list[str]) -> Iterator[list[str]]:
    """Few enough that somebody who wants it to stop need not wait long, enough that a question far away pays."""
    return (names[start : start + _BATCH] for start in range(0, len(names), _BATCH))
