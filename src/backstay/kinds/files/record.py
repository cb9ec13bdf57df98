"""From two passes over a tree, before and after the copy, to what can be held against a restore."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from backstay.ports.progress import Progress

from .manifest import Kept, Manifest, State
from .tree import Entry, Folder, Tree
from .trees import Content, Trees, Wanted

MOST_NAMED = 10_000


def record(
    roots: tuple[str, ...],
    exclude: tuple[str, ...],
    before: Tree,
    after: Tree,
    previous: Manifest | None,
    trees: Trees,
    progress: Progress,
) -> Manifest:
    """What the tree held while it was copied. Contents come from `previous` wherever nothing was written since."""
    known = previous.folders if previous else {}
    folders: dict[str, Kept] = {}
    pending: deque[_Work] = deque()

    def wanted() -> Iterator[Wanted]:
        for path, folder in after.folders.items():
            kept, was = known.get(path), before.folders.get(path)
            if kept and was == folder == kept.folder and all(State(state).settled for state in set(kept.states)):
                folders[path] = kept
            else:
                pending.append(_Work(path, folder, was, kept, after.unreadable))
                yield Wanted(path, pending[-1].wanted())

    for contents in trees.contents(wanted(), progress):
        work = pending.popleft()
        folders[work.path] = work.keep(contents)
    vanished = list(_vanished(before, after))
    in_order = {path: folders[path] for path in after.folders}
    able = trees.knows_attributes(progress)
    return Manifest(roots, exclude, in_order, tuple(vanished[:MOST_NAMED]), len(vanished), trees.hash, able)


def _vanished(before: Tree, after: Tree) -> Iterator[str]:
    for path, folder in before.folders.items():
        there = after.folders.get(path)
        if there != folder:
            gone = set(folder.names) - set(there.names if there else ())
            yield from (os.path.join(path, name) for name in sorted(gone))


@dataclass(slots=True)
class _Work:
    """One folder in which something may have changed: what is known of it, and what must be read."""

    path: str
    folder: Folder
    was: Folder | None
    kept: Kept | None
    unreadable: Mapping[str, str]
    found: dict[str, Content] = field(default_factory=dict)

    def wanted(self) -> list[tuple[str, Entry]]:
        """The entries that must be read, as nothing else tells what is in them."""
        before = dict(self.was.entries()) if self.was else {}
        recorded = self._recorded()
        unknown = []
        for name, entry in self.folder.entries():
            known = self._known(name, entry, before.get(name), recorded.get(name))
            if known:
                self.found[name] = known
            else:
                unknown.append((name, entry))
        return unknown

    def _recorded(self) -> dict[str, tuple[Entry, bytes]]:
        entries = self.kept.entries() if self.kept else ()
        return {name: (entry, digest) for name, entry, state, digest in entries if state == State.KNOWN}

    def _known(
        self, name: str, entry: Entry, before: Entry | None, recorded: tuple[Entry, bytes] | None
    ) -> Content | None:
        """What can be said of an entry without reading it; `recorded` is what it was at the point before."""
        if before is None:
            return Content(State.APPEARED)
        if before != entry:
            return Content(State.CHANGED)
        if stat.S_ISSOCK(entry.mode):  # made by the program that listens, never by a restore
            return Content(State.UNPROVABLE)
        if os.path.join(self.path, name) in self.unreadable:
            return Content(State.UNREADABLE)
        if self.kept and recorded and recorded[0].same_content(entry):
            return Content(State.KNOWN, recorded[1], self.kept.targets.get(name), self.kept.attributes.get(name))
        return None

    def keep(self, read: Mapping[str, Content]) -> Kept:
        contents = [(name, _provable(self.found.get(name) or read[name])) for name in self.folder.names]
        return Kept(
            self.folder,
            bytes([content.state for _, content in contents]),
            b"".join([content.digest for _, content in contents]),
            {name: content.target for name, content in contents if content.target is not None},
            {name: dict(content.attributes) for name, content in contents if content.attributes},
        )


def _provable(content: Content) -> Content:
    """Restic 0.14 stores another target than this if it is no text."""
    return content if content.target is None or _is_text(content.target) else Content(State.UNPROVABLE)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
