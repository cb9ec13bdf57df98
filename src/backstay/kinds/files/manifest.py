"""What a tree was at the moment of a backup, entry by entry, and how that is kept in a few bytes."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import zstandard

from .content import DIGEST_BYTES, Hash
from .tree import ENTRY_BYTES, Entry, Folder

VERSION = 1


class State(IntEnum):
    """Whether an entry can be compared after a restore, and if not, why."""

    KNOWN = 0
    CHANGED = 1
    APPEARED = 2
    UNREADABLE = 3
    UNPROVABLE = 4

    @property
    def settled(self) -> bool:
        """Another look at the same entry would end the same."""
        return self in (State.KNOWN, State.UNPROVABLE)


@dataclass(frozen=True, slots=True)
class Kept:
    """One folder: its entries, a `State` for each, and the contents of those that are known.

    `digests` has 32 bytes for each known file, in order; `targets` are those of known links, by name;
    `attributes` the extended ones, by name, where there are any.
    """

    folder: Folder
    states: bytes
    digests: bytes
    targets: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)

    def entries(self) -> Iterator[tuple[str, Entry, int, bytes]]:
        """Name, entry, state, and for a known file its digest."""
        at = 0
        for (name, entry), state in zip(self.folder.entries(), self.states, strict=True):
            length = DIGEST_BYTES if state == State.KNOWN and entry.is_file else 0
            yield name, entry, state, self.digests[at : at + length]
            at += length


@dataclass(frozen=True, slots=True)
class Manifest:
    """All of it. `vanished` were there when the copy began and not when it ended, at most 10,000 of them named.

    `attributes_known` is False where extended attributes could not be read.
    """

    roots: tuple[str, ...]
    exclude: tuple[str, ...]
    folders: dict[str, Kept]
    vanished: tuple[str, ...] = ()
    vanished_count: int = 0
    hash: Hash = "blake3"
    attributes_known: bool = True

    def states(self) -> Counter[int]:
        return Counter(b"".join(kept.states for kept in self.folders.values()))

    def doubtful(self) -> Iterator[tuple[str, State]]:
        """The entries that cannot be compared."""
        for path, kept in self.folders.items():
            if any(kept.states):
                names = zip(kept.folder.names, kept.states, strict=True)
                yield from ((os.path.join(path, name), State(state)) for name, state in names if state)


def encode(manifest: Manifest) -> bytes:
    """JSON for what is rare and columns of fixed width for what every entry has, compressed.

    Names need not be UTF-8: JSON carries the odd bytes of link targets as escaped surrogates, the columns as they are.
    """
    kept = list(manifest.folders.items())
    names = [_joined(one.folder.names) for _, one in kept]
    head = {
        "version": VERSION,
        "roots": manifest.roots,
        "exclude": manifest.exclude,
        "vanished": manifest.vanished,
        "vanished_count": manifest.vanished_count,
        "hash": manifest.hash,
        "attributes_known": manifest.attributes_known,
        "folders": [
            [path, len(one.states), len(listed), len(one.digests), one.targets, one.attributes]
            for (path, one), listed in zip(kept, names, strict=True)
        ],
    }
    columns = [
        b"".join(names),
        b"".join(one.folder.packed for _, one in kept),
        b"".join(one.states for _, one in kept),
        b"".join(one.digests for _, one in kept),
    ]
    first = json.dumps(head, separators=(",", ":")).encode()
    return zstandard.compress(b"".join((first, b"\n", *columns)), 3)


def decode(body: bytes) -> Manifest:
    """The manifest that `encode` was given."""
    first, _, rest = zstandard.decompress(body).partition(b"\n")
    head = json.loads(first)
    return Manifest(
        tuple(head["roots"]),
        tuple(head["exclude"]),
        _folders(head["folders"], rest),
        tuple(head["vanished"]),
        head["vanished_count"],
        head.get("hash", "blake3"),  # a record of before there were two hashes names none
        head.get("attributes_known", True),
    )


def _folders(listed: list[list[Any]], rest: bytes) -> dict[str, Kept]:
    counts = [sum(one[column] for one in listed) for column in (1, 2, 3)]
    names_at, packed_at = 0, counts[1]
    states_at = packed_at + counts[0] * ENTRY_BYTES
    digests_at = states_at + counts[0]
    folders = {}
    for path, count, name_bytes, digest_bytes, targets, attributes in listed:
        folder = Folder(
            _parted(rest[names_at : names_at + name_bytes]),
            rest[packed_at : packed_at + count * ENTRY_BYTES],
        )
        states = rest[states_at : states_at + count]
        digests = rest[digests_at : digests_at + digest_bytes]
        folders[path] = Kept(folder, states, digests, targets, attributes)
        names_at, packed_at = names_at + name_bytes, packed_at + count * ENTRY_BYTES
        states_at, digests_at = states_at + count, digests_at + digest_bytes
    return folders


def _joined(names: list[str]) -> bytes:
    return os.fsencode("\0".join(names))


def _parted(joined: bytes) -> list[str]:
    return os.fsdecode(joined).split("\0") if joined else []
