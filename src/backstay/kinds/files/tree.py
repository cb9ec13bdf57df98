"""A directory tree as seen in one pass: names and what `lstat` says, packed, and nothing of the contents.

An unchanged tree must cost no more than this pass. So a folder is kept as a list of names and one string of packed
records: two folders are compared by one comparison of bytes, and no object is made for a file that did not change.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from struct import Struct
from typing import NamedTuple

from blake3 import blake3

from backstay.domain.runs import Amount
from backstay.ports.progress import Progress

from .exclude import Excluder

ROOTS = ""
"""The name of the folder that the scanned paths themselves lie in; their names are absolute."""


class Entry(NamedTuple):
    """What `lstat` says, less what reading a file changes."""

    mode: int
    uid: int
    gid: int
    links: int
    inode: int
    device: int
    size: int
    mtime_ns: int
    ctime_ns: int
    special: int

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)

    def same_content(self, other: Entry) -> bool:
        """Nothing was written in between. The change time counts because a program can set the modification time back,
        and cannot set the change time; the device does not, because it may be numbered anew with every mount."""
        return (
            self.mode == other.mode
            and self.size == other.size
            and self.mtime_ns == other.mtime_ns
            and self.ctime_ns == other.ctime_ns
            and self.inode == other.inode
        )


_PACKED = Struct("<IIIIQQQqqQ")
_FIELDS = attrgetter(
    "st_mode", "st_uid", "st_gid", "st_nlink", "st_ino", "st_dev", "st_size", "st_mtime_ns", "st_ctime_ns", "st_rdev"
)
ENTRY_BYTES = _PACKED.size


def entry_of(seen: os.stat_result) -> Entry:
    return Entry._make(_FIELDS(seen))


def packed(entries: Iterable[tuple[int, ...]]) -> bytes:
    """The records of a folder's entries."""
    return b"".join([_PACKED.pack(*one) for one in entries])


@dataclass(frozen=True, slots=True)
class Folder:
    """The entries of one folder: names, and a packed record for each, in the same order."""

    names: list[str]
    packed: bytes

    def entries(self) -> Iterator[tuple[str, Entry]]:
        return zip(self.names, map(Entry._make, _PACKED.iter_unpack(self.packed)), strict=True)


@dataclass(frozen=True, slots=True)
class Tree:
    """Folders by path; a folder that could not be read is in `unreadable` instead, with the reason."""

    folders: dict[str, Folder]
    unreadable: dict[str, str] = field(default_factory=dict)

    def amount(self) -> Amount:
        """Bytes in files, and how many entries there are that are no folders."""
        size = items = 0
        for folder in self.folders.values():
            for mode, *_, length, _mtime, _ctime, _special in _PACKED.iter_unpack(folder.packed):
                size += length if stat.S_ISREG(mode) else 0
                items += not stat.S_ISDIR(mode)
        return Amount(size, items)

    def digest(self) -> str:
        """Equal for two passes that saw the same."""
        digest = blake3()
        for path, folder in self.folders.items():
            digest.update(os.fsencode("\0".join((path, *folder.names))))
            digest.update(folder.packed)
        return digest.hexdigest()


def scan(roots: Sequence[str], excluded: Excluder | None, progress: Progress) -> Tree:
    """Every entry at and below `roots`, links not followed, file systems crossed as restic does.

    Raises: OSError if one of `roots` is not there.
    """
    names = [root for root in roots if not (excluded and excluded(root))]
    tree = Tree({ROOTS: _folder(names, [os.lstat(root) for root in names])})
    waiting = [name for name, entry in tree.folders[ROOTS].entries() if entry.is_folder]
    while waiting:
        progress.check()
        path = waiting.pop()
        try:
            names, stats = _read(path, excluded)
        except OSError as error:
            tree.unreadable[path] = error.strerror or str(error)
            continue
        tree.folders[path] = _folder(names, stats)
        waiting += [os.path.join(path, name) for name, one in zip(names, stats, strict=True) if one.st_mode >> 12 == 4]
    return tree


def _read(path: str, excluded: Excluder | None) -> tuple[list[str], list[os.stat_result]]:
    place = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with os.scandir(place) as entries:  # by descriptor: each look then walks one name and not the whole path
            chosen = list(entries)
        if excluded:
            chosen = [entry for entry in chosen if not excluded(os.path.join(path, entry.name))]
        names = [entry.name for entry in chosen]
        try:
            return names, [entry.stat(follow_symlinks=False) for entry in chosen]
        except FileNotFoundError:
            return _read_what_stays(chosen)
    finally:
        os.close(place)


def _read_what_stays(chosen: list[os.DirEntry[str]]) -> tuple[list[str], list[os.stat_result]]:
    """The same, when entries vanish between being listed and being looked at."""
    names, stats = [], []
    for entry in chosen:
        try:
            stats.append(entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            continue
        names.append(entry.name)
    return names, stats


def _folder(names: list[str], stats: list[os.stat_result]) -> Folder:
    return Folder(names, packed(map(_FIELDS, stats)))
