"""What `init` looks at: folders with files, PostgreSQL servers behind their sockets, SQLite files. Changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from backstay.config.leaks import holds_password

from .machine import ENTRIES_LOOKED_AT, MOST_OF_A_KIND, ONE_OF_MANY, Found, Machine, entries_of
from .servers import databases

SQLITE_ENDINGS = (".db", ".sqlite", ".sqlite3")
SQLITE_MAGIC = b"SQLite format 3\x00"


_REBUILT = frozenset({".cache", ".Trash", "lost+found"})


def look(machine: Machine, folder: str) -> Iterator[Found]:
    """Everything worth protecting; `folder` itself if nothing else can be proposed."""
    found = [*_trees(machine), *databases(machine), *_sqlite(machine, folder)]
    if not any(each.proposed for each in found):
        name = os.path.basename(folder) or "files"
        exclude = _own_places(machine, folder)
        found.append(Found(name, "files", folder, "nothing else was found; name your data", exclude=exclude))
    yield from (_writable(each) for each in found)


def _writable(found: Found) -> Found:
    """As a comment, if the estate file could not hold it."""
    remark = ""
    if any("\udc80" <= letter <= "\udcff" for letter in found.where):
        remark = "its name is not UTF-8; name the folder above it"
    elif holds_password(found.where):
        remark = "its name looks like a password in the clear; name the folder above it"
    shown = os.fsencode(found.where).decode("utf-8", "backslashreplace")
    return Found(found.workload, found.kind, shown, remark, False) if remark else found


def _trees(machine: Machine) -> Iterator[Found]:
    for root in machine.trees:
        entries = entries_of(root)
        folders = sorted(e.path for e in entries if e.is_dir(follow_symlinks=False) and e.name not in _REBUILT)
        single = any(e.is_file(follow_symlinks=False) for e in entries) or len(folders) > MOST_OF_A_KIND
        for path in [root] if single else folders:
            name = os.path.basename(root) if single else f"{os.path.basename(root)}-{os.path.basename(path)}"
            yield from _if_filled(machine, name, path, f"{len(folders)} folders as one" if single else "")
    for path in machine.settings:
        yield from _if_filled(machine, os.path.basename(path), path, "this machine's settings")


def _if_filled(machine: Machine, name: str, path: str, remark: str) -> Iterator[Found]:
    if not _is_avoided(machine, path) and next(_walk(machine, path), None):
        yield _tree(machine, name, path, remark)


def _tree(machine: Machine, name: str, path: str, remark: str) -> Found:
    exclude = _own_places(machine, path)
    if os.geteuid() != 0 and _closed(machine, path):
        return Found(name, "files", path, "you may not read all of it; run as root for this one", False, exclude)
    return Found(name, "files", path, remark, exclude=exclude)


def _own_places(machine: Machine, path: str) -> tuple[str, ...]:
    return tuple(place for place in machine.ours if place.startswith(f"{path.rstrip('/')}/"))


def _closed(machine: Machine, path: str) -> bool:
    """Whether something in there cannot be read by us."""
    return any(
        not os.access(entry, os.R_OK, effective_ids=True) for entry in (path, *_walk(machine, path, folders=True))
    )


def _sqlite(machine: Machine, folder: str) -> Iterator[Found]:
    seen: set[str] = set()
    for place in (*machine.databases, folder):
        for path in _walk(machine, place):
            if not path.endswith(SQLITE_ENDINGS) or path in seen or not _is_sqlite(path):
                continue
            seen.add(path)
            more = len(seen) > MOST_OF_A_KIND
            yield Found(Path(path).stem, "sqlite", path, ONE_OF_MANY if more else "", not more)


def _is_sqlite(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    except OSError:
        return False


def _is_avoided(machine: Machine, path: str) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in (*machine.volatile, *machine.ours))


def _walk(machine: Machine, root: str, *, folders: bool = False) -> Iterator[str]:
    """Paths of regular files, with `folders` those of folders too, up to a number of entries."""
    waiting, left = [root], ENTRIES_LOOKED_AT
    while waiting and left > 0:
        entries = entries_of(waiting.pop(), left)
        left -= len(entries)
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder and (entry.name in _REBUILT or _is_avoided(machine, entry.path)):
                continue
            if is_folder:
                waiting.append(entry.path)
            if folders if is_folder else entry.is_file(follow_symlinks=False):
                yield entry.path
