"""Files and folders as entries that can be written down, and made again."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from backstay.ports.engine import Paths

Keep = Callable[[str], tuple[str, int]]
"""Store a file's content; its digest and size."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a tree. `content` is a file's digest, a link's target, or for a hard link the path it shares."""

    path: str
    sort: str
    content: str = ""
    size: int = 0
    mode: int = 0o600
    modified_ns: int = 0
    owner: int = 0
    group: int = 0


def listed(source: Paths) -> Iterator[tuple[str, str]]:
    """Every real path with the one it is stored under: absolute ones without the first slash, others without `cwd`."""
    for path in source.paths:
        top = os.path.join(source.cwd, path)
        for real in (top, *_below(top)):
            inside = path.strip("/") + real.removeprefix(top)
            if not any(fnmatch(os.path.basename(real), pattern) for pattern in source.exclude):
                yield real, inside


def entry(real: str, inside: str, seen: dict[tuple[int, int], str], keep: Keep) -> Entry:
    """Raises OSError if it cannot be read. `seen` finds the further names of one file."""
    status = os.lstat(real)
    sort, content, size = _content(real, inside, status, seen, keep)
    mode, owner, group = stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid
    return Entry(inside, sort, content, size, mode, status.st_mtime_ns, owner, group)


def make(entry: Entry, folder: str, stored: Callable[[str], str]) -> None:
    """Create it below `folder`; metadata of folders is set later, by `finish`."""
    place = _inside(folder, entry.path)
    place.parent.mkdir(parents=True, exist_ok=True)
    if entry.sort == "dir":
        place.mkdir(exist_ok=True)
    elif entry.sort == "symlink":
        place.symlink_to(entry.content)
    elif entry.sort == "hardlink":
        place.hardlink_to(_inside(folder, entry.content))
    else:
        place.write_bytes(Path(stored(entry.content)).read_bytes())


def finish(entry: Entry, folder: str) -> None:
    """Set owner, mode and times; children first, since making them changes their folder's time."""
    place = _inside(folder, entry.path)
    if os.geteuid() == 0:
        os.chown(place, entry.owner, entry.group, follow_symlinks=False)
    if entry.sort != "symlink":
        os.chmod(place, entry.mode)
    os.utime(place, ns=(entry.modified_ns, entry.modified_ns), follow_symlinks=False)


def _below(top: str) -> Iterator[str]:
    for place, folders, files in os.walk(top):
        yield from (os.path.join(place, name) for name in (*folders, *files))


def _content(
    real: str, inside: str, status: os.stat_result, seen: dict[tuple[int, int], str], keep: Keep
) -> tuple[str, str, int]:
    if stat.S_ISDIR(status.st_mode):
        return "dir", "", 0
    if stat.S_ISLNK(status.st_mode):
        return "symlink", os.readlink(real), 0
    first = seen.setdefault((status.st_dev, status.st_ino), inside)
    if first != inside:
        return "hardlink", first, 0
    return "file", *keep(real)


def _inside(folder: str, path: str) -> Path:
    """What a stored path means in this folder; one that was tampered with may not leave it."""
    if ".." in path.split("/"):
        raise ValueError(f"{path} leads out of the folder")
    return Path(folder, path.lstrip("/"))
