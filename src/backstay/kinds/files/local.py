"""Trees on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from backstay.ports.progress import Progress

from .content import Hash, Moved, Reader, attributes
from .exclude import Excluder
from .manifest import State
from .tree import Entry, Tree, scan
from .trees import Content, Standing, Wanted


class LocalTrees:
    """Seen by system calls; a folder is read as a whole before the next one is asked for."""

    hash: Hash = "blake3"

    def knows_attributes(self, progress: Progress) -> bool:
        return True

    def standing(self, paths: Sequence[str], progress: Progress) -> list[Standing]:
        return [Standing(_is_readable(path), os.path.islink(path)) for path in paths]

    def real(self, paths: Sequence[str], progress: Progress) -> list[str]:
        return [os.path.realpath(path) for path in paths]

    def text(self, path: str, progress: Progress) -> str:
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except OSError:
            return ""

    def scan(self, roots: Sequence[str], excluded: Excluder | None, progress: Progress) -> Tree:
        return scan(roots, excluded, progress)

    def contents(self, wanted: Iterable[Wanted], progress: Progress) -> Iterator[dict[str, Content]]:
        reader = Reader(progress, self.hash)
        for folder, entries in wanted:
            if not entries:
                yield {}
                continue
            try:
                place = os.open(folder or "/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError:  # gone since the pass
                yield {name: Content(State.CHANGED) for name, _ in entries}
                continue
            try:
                found = {name: _content(reader, place, folder, name, entry) for name, entry in entries}
            finally:
                os.close(place)
            yield found


def _content(reader: Reader, place: int, folder: str, name: str, entry: Entry) -> Content:
    try:
        if entry.is_link:
            return Content(State.KNOWN, target=os.readlink(name, dir_fd=place))
        found = attributes(os.path.join(folder, name))
        digest = reader.digest(place, name, entry) if entry.is_file else b""
        return Content(State.KNOWN, digest, None, found)
    except (Moved, FileNotFoundError):
        return Content(State.CHANGED)
    except OSError:
        return Content(State.UNREADABLE)


def _is_readable(path: str) -> bool:
    try:
        if os.path.islink(path):
            return True
        if os.path.isdir(path):
            os.scandir(path).close()
        elif os.path.isfile(path):
            open(path, "rb").close()
    except OSError:
        return False
    return os.path.lexists(path)
