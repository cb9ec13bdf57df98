"""The files in which a repository lies, seen without its engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from backstay.domain.errors import RepositoryDamaged

_NEWEST = 4
"""Among so many are all halves: an engine writes two pieces at a time. Each is fetched whole, so they are few."""


class Store(Protocol):
    """One repository's folder in a target. Unavailable is raised when the target does not answer."""

    @property
    def location(self) -> str:
        """Its address, as people and stock tools know it; an absolute path for a folder of this machine."""

    def exists(self) -> bool:
        """Whether there is any file in it."""

    def prepare(self) -> None:
        """Make the folder if there is none. Unavailable if it cannot be written to, or if the target is not there, so
        that nothing is written beside a mount."""

    def pieces(self, under: str = "") -> Mapping[str, int]:
        """Names relative to the folder, "/"-separated, with sizes in bytes; those below `under` only."""

    def digest(self, name: str) -> str:
        """SHA-256 of one piece, in hex; RepositoryDamaged if that piece cannot be read."""

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | RepositoryDamaged]]:
        """Each piece with what `digest` says of it or would raise, in any order; far quicker for many than one by
        one."""

    def newest(self, count: int) -> Sequence[str]:
        """The pieces that were written to last, newest first."""

    def watched(self) -> Callable[[], None]:
        """To be called later: raises Unavailable if the folder is no longer the one that it is now, as when its disk
        was unmounted and another folder is there by its name."""

    def remove(self, name: str) -> None:
        """Take one piece away; nothing happens if it is gone already."""


def remove_halves(store: Store) -> tuple[str, ...]:
    """Take away what writers that died left half written; which pieces these were.

    For engines that name a piece by the SHA-256 of its content. A gateway writes under the final name, and refuses to
    replace a half if it is append-only: the engine's own retry of that piece would fail for a quarter of an hour.
    Call it while nobody writes. Halves are among the newest, since a whole piece bears the time at which it was begun.
    """
    named = [name for name in store.newest(_NEWEST) if re.fullmatch(r"[0-9a-f]{64}", name.rpartition("/")[2])]
    halves = tuple(name for name, content in store.digests(named) if _is_half(name, content))
    for name in halves:
        store.remove(name)
    return halves


def _is_half(name: str, content: str | RepositoryDamaged) -> bool:
    """What cannot be read is no half: it is damage, or was taken away meanwhile."""
    return isinstance(content, str) and content != name.rpartition("/")[2]
