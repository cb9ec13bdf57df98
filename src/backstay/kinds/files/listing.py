"""One pass over a tree by `find`."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from backstay.ports.progress import Progress
from backstay.ports.runner import Runner

from .asking import Answer, ask, complained
from .exclude import Excluder
from .tree import ROOTS, Entry, Folder, Tree, packed

_FIND = (
    r"exec find -P " '"$@"' r" -ignore_readdir_race %s -printf '%%y %%m %%U %%G %%n %%i %%D %%s %%T@ %%C@\0%%p\0%%l\0'"
)
_TYPES = {
    "f": stat.S_IFREG,
    "d": stat.S_IFDIR,
    "l": stat.S_IFLNK,
    "p": stat.S_IFIFO,
    "s": stat.S_IFSOCK,
    "c": stat.S_IFCHR,
    "b": stat.S_IFBLK,
}
_DEVICES = (stat.S_IFCHR, stat.S_IFBLK)


class Seen(NamedTuple):
    """An entry as `find` shows it: device numbers are not among what it can show."""

    path: str
    entry: Entry
    target: str


def look(runner: Runner, paths: Iterable[str], progress: Progress, *, beneath: bool) -> tuple[Answer, Iterator[Seen]]:
    """The entries at `paths`, and those `beneath` them if asked; each folder comes before what is in it."""
    script = _FIND % ("" if beneath else "-maxdepth 0")
    answer = ask(runner, ("sh", "-c", script, "sh"), paths, progress)
    fields = answer.fields()
    return answer, (
        Seen(path, _entry(shown), target) for shown, path, target in zip(fields, fields, fields, strict=True)
    )


def scan(runner: Runner, roots: Sequence[str], excluded: Excluder | None, progress: Progress) -> Tree:
    """As `tree.scan`; a root that is not there is not in it."""
    found: dict[str, dict[str, Entry]] = {ROOTS: {}}
    named = frozenset(roots)
    answer, entries = look(runner, roots, progress, beneath=True)
    for path, entry, _ in entries:
        folder, name = (ROOTS, path) if path in named else os.path.split(path)
        if folder not in found or (folder != ROOTS and excluded and excluded(path)):
            continue
        found[folder][name] = entry
        if entry.is_folder:
            progress.check()
            found[path] = {}
    _number(runner, found, progress)
    unreadable = dict(_unreadable(answer, found))
    folders = {
        path: Folder(list(held), packed(held.values())) for path, held in found.items() if path not in unreadable
    }
    return Tree(folders, unreadable)


def _entry(shown: str) -> Entry:
    kind, mode, uid, gid, links, inode, device, size, mtime, ctime = shown.split(" ")
    return Entry(
        _TYPES.get(kind, 0) | int(mode, 8),
        int(uid),
        int(gid),
        int(links),
        int(inode),
        int(device),
        int(size),
        _nanoseconds(mtime),
        _nanoseconds(ctime),
        0,
    )


def _nanoseconds(time: str) -> int:
    """`find` writes whole seconds, then the nanoseconds since these, before 1970 too: -6.75 is 5.25 seconds before."""
    seconds, _, part = time.partition(".")
    return int(seconds) * 1_000_000_000 + int(part[:9])


def _unreadable(answer: Answer, found: dict[str, dict[str, Entry]]) -> Iterator[tuple[str, str]]:
    """Folders that could not be read to their end, with the reason. A root that is not there is in no folder."""
    for path, why in complained(answer.complaints):
        folder = path if path in found else os.path.dirname(path)
        if folder in found:
            yield folder, why


def _number(runner: Runner, found: dict[str, dict[str, Entry]], progress: Progress) -> None:
    """Have device files show which device they are."""
    devices = {
        os.path.join(folder, name): (folder, name)
        for folder, held in found.items()
        for name, entry in held.items()
        if stat.S_IFMT(entry.mode) in _DEVICES
    }
    if not devices:
        return
    fields = ask(runner, ("stat", r"--printf=%t %T\0%n\0", "--"), devices, progress).fields()
    for numbers, path in zip(fields, fields, strict=True):
        folder, name = devices[path]
        major, minor = (int(number, 16) for number in numbers.split())
        found[folder][name] = found[folder][name]._replace(special=os.makedev(major, minor))
