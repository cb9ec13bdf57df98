"""From two passes over a tree, before and after the copy, to what can be held against a restore."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from backstay.ports.progress import Progress

from .content import Moved, Reader, attributes
from .manifest import Kept, Manifest, State
from .tree import Entry, Folder, Tree

MOST_NAMED = 10_000


def record(
    roots: tuple[str, ...],
    exclude: tuple[str, ...],
    before: Tree,
    after: Tree,
    previous: Manifest | None,
    progress: Progress,
) -> Manifest:
    """What the tree held while it was copied. Contents come from `previous` wherever nothing was written since."""
    reader = Reader(progress)
    known = previous.folders if previous else {}
    folders = {}
    for path, folder in after.folders.items():
        kept, was = known.get(path), before.folders.get(path)
        if kept and was == folder == kept.folder and all(State(state).settled for state in set(kept.states)):
            folders[path] = kept
        else:
            folders[path] = _Work(path, was, kept, after.unreadable, reader).keep(folder)
    vanished = list(_vanished(before, after))
    return Manifest(roots, exclude, folders, tuple(vanished[:MOST_NAMED]), len(vanished))


def _vanished(before: Tree, after: Tree) -> Iterator[str]:
    for path, folder in before.folders.items():
        there = after.folders.get(path)
        if there != folder:
            gone = set(folder.names) - set(there.names if there else ())
            yield from (os.path.join(path, name) for name in sorted(gone))


@dataclass(slots=True)
class _Work:
    """One folder in which something may have changed."""

    path: str
    was: Folder | None
    kept: Kept | None
    unreadable: dict[str, str]
    reader: Reader
    states: bytearray = field(default_factory=bytearray)
    digests: list[bytes] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)

    def keep(self, folder: Folder) -> Kept:
        before = dict(self.was.entries()) if self.was else {}
        recorded = self._recorded()
        try:
            place = os.open(self.path or "/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:  # gone since the pass
            return Kept(folder, bytes([State.CHANGED] * len(folder.names)), b"")
        try:
            for name, entry in folder.entries():
                old, digest = recorded.get(name, (None, None))
                carried = digest if old and old.same_content(entry) else None
                self.states.append(self._keep(place, name, entry, before.get(name), carried))
        finally:
            os.close(place)
        return Kept(folder, bytes(self.states), b"".join(self.digests), self.targets, self.attributes)

    def _recorded(self) -> dict[str, tuple[Entry, bytes]]:
        entries = self.kept.entries() if self.kept else ()
        return {name: (entry, digest) for name, entry, state, digest in entries if state == State.KNOWN}

    def _keep(self, place: int, name: str, entry: Entry, before: Entry | None, carried: bytes | None) -> State:
        """The state of one entry, its contents put aside if it is known. `carried` is the digest recorded before."""
        if before is None:
            return State.APPEARED
        if before != entry:
            return State.CHANGED
        if stat.S_ISSOCK(entry.mode):  # made by the program that listens, never by a restore
            return State.UNPROVABLE
        try:
            return self._read(place, name, entry, carried)
        except (Moved, FileNotFoundError):
            return State.CHANGED
        except OSError:
            return State.UNREADABLE

    def _read(self, place: int, name: str, entry: Entry, carried: bytes | None) -> State:
        path = os.path.join(self.path, name)
        if path in self.unreadable:
            return State.UNREADABLE
        target = os.readlink(name, dir_fd=place) if entry.is_link else None
        if target is not None and not _is_text(target):  # restic 0.14 stores another target than this
            return State.UNPROVABLE
        if carried is None:
            found = {} if entry.is_link else attributes(path)
            digest = self.reader.digest(place, name, entry) if entry.is_file else b""
        else:
            found, digest = self.kept.attributes.get(name, {}) if self.kept else {}, carried
        if target is not None:
            self.targets[name] = target
        if found:
            self.attributes[name] = found
        if entry.is_file:
            self.digests.append(digest)
        return State.KNOWN


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
