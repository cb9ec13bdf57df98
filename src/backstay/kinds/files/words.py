"""How entries of a tree are told to a person."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping

from .content import Hash
from .manifest import State

SPELLED: Mapping[Hash, str] = {"blake3": "BLAKE3", "sha256": "SHA-256"}

_TYPES = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_REASONS = {
    State.CHANGED: "changed during the copy",
    State.APPEARED: "appeared during the copy",
    State.UNREADABLE: "could not be read",
    State.UNPROVABLE: "are sockets or links whose target is not UTF-8, which no restore brings back",
}


def shown(path: str) -> str:
    """A path on one line of valid text, whatever bytes are in it."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in path)


def type_of(mode: int) -> str:
    return _TYPES.get(stat.S_IFMT(mode), "something else")


def listed(sentences: Iterable[str], most: int = 5) -> str:
    """The first few, and how many more there are."""
    every = list(sentences)
    more = f"; and {len(every) - most:,} more" if len(every) > most else ""
    return "; ".join(every[:most]) + more


def reasons(states: Mapping[int, int]) -> str:
    """How many entries cannot be compared, and why; empty if there are none."""
    counted = [f"{states[state]:,} {words}" for state, words in _REASONS.items() if states.get(state)]
    return f"not comparable: {', '.join(counted)}" if counted else ""
