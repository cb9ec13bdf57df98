"""L5 of a restored tree: every file that can be compared is read again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from backstay.ports.progress import Progress

from .content import Moved, Reader
from .manifest import Kept, Manifest, State
from .restored import Restored
from .tree import Entry
from .words import shown


@dataclass(slots=True)
class Comparison:
    """Reads as `problems` is walked, and counts what it compared."""

    manifest: Manifest
    restored: Restored
    progress: Progress
    compared: int = 0

    def problems(self) -> Iterator[str]:
        """What does not equal the record, each as a sentence that names the path."""
        reader = Reader(self.progress, self.manifest.hash)
        for path, kept in self.manifest.folders.items():
            yield from self._folder(path, kept, reader)

    def _folder(self, path: str, kept: Kept, reader: Reader) -> Iterator[str]:
        there = self.restored.like(path, kept.folder.names)
        for name, entry, state, digest in kept.entries():
            if state == State.KNOWN and (entry.is_file or entry.is_folder):
                self.compared += entry.is_file
                whole = os.path.join(path, name)
                found = self._found(whole, entry, there.get(name), digest, reader)
                yield from (f"{shown(whole)} {what}" for what in found)

    def _found(self, path: str, was: Entry, now: Entry | None, digest: bytes, reader: Reader) -> Iterator[str]:
        if now is None or now.mode >> 12 != was.mode >> 12:
            yield "is missing"
            return
        if was.mtime_ns != now.mtime_ns:
            yield "has another modification time"
        if was.is_file and was.size != now.size:
            yield f"has {now.size:,} bytes; {was.size:,} were there"
        elif was.is_file and not self._equal(path, digest, reader):
            yield "has other content"

    def _equal(self, path: str, digest: bytes, reader: Reader) -> bool:
        folder, name = os.path.split(self.restored.place(path))
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return reader.digest(place, name, None) == digest
        except (Moved, OSError):
            return False
        finally:
            os.close(place)
