"""A restored tree, seen by the paths that its entries had at the source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from .manifest import Manifest
from .tree import ROOTS, Entry, Tree


@dataclass(frozen=True, slots=True)
class Restored:
    """What `scan` found in `folder`."""

    folder: str
    tree: Tree

    def place(self, path: str) -> str:
        """Where an entry of the source lies now."""
        return self.folder if path == "/" else self.folder + path

    def entries(self, path: str) -> dict[str, Entry]:
        """What lies in a folder of the source now, by name."""
        found = self.tree.folders.get(self.place(path))
        return dict(found.entries()) if found else {}

    def like(self, path: str, names: list[str]) -> dict[str, Entry]:
        """The same for a folder of a manifest, which may be the one that the scanned paths lie in."""
        if path != ROOTS:
            return self.entries(path)
        found = ((name, self._one(name)) for name in names)
        return {name: entry for name, entry in found if entry}

    def _one(self, path: str) -> Entry | None:
        if path == "/":
            return next(entry for _, entry in self.tree.folders[ROOTS].entries())
        return self.entries(os.path.dirname(path)).get(os.path.basename(path))


def ways(manifest: Manifest) -> Iterator[tuple[str, set[str]]]:
    """The folders above the scanned paths, and the steps down to them: nothing else may lie there."""
    allowed: dict[str, set[str]] = {"/": set()}
    for root in manifest.roots:
        path = root
        while path != "/":
            above, name = os.path.split(path)
            allowed.setdefault(above, set()).add(name)
            path = above
    return ((path, names) for path, names in allowed.items() if path not in manifest.folders)
