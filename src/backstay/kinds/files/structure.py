"""L4 of a restored tree: every entry there with its type, mode, owner, links and attributes, and nothing else."""

from __future__ import annotations

import errno
import os
import stat
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from backstay.ports.engine import SEAL_FILE
from backstay.ports.progress import Progress

from .content import attributes
from .exclude import excluder
from .manifest import Kept, Manifest, State
from .restored import Restored, ways
from .tree import ROOTS, Entry
from .words import shown, type_of

_PROBE = "user.backstay.probe"


@dataclass(frozen=True, slots=True)
class Powers:
    """What could be restored here at all: owners only by root, some attributes only on some file systems.

    `attributes` is False if none were recorded, so that none can be compared.
    """

    root: bool
    user_attributes: bool
    attributes: bool

    def attribute(self, name: str) -> bool:
        return self.user_attributes if name.startswith("user.") else self.root or not name.startswith("security.")

    def remarks(self) -> list[str]:
        owners = [] if self.root else ["owners, devices and security attributes are not compared, as we are not root"]
        plain = [] if self.user_attributes else ["user attributes are not compared, as this file system has none"]
        return owners + (plain if self.attributes else ["extended attributes were not recorded and are not compared"])


def powers(folder: str, manifest: Manifest) -> Powers:
    """Found out by trying, on the restore folder itself."""
    root, recorded = os.geteuid() == 0, manifest.attributes_known
    try:
        os.setxattr(folder, _PROBE, b"")
        os.removexattr(folder, _PROBE)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        return Powers(root, False, recorded)
    return Powers(root, True, recorded)


def problems(manifest: Manifest, restored: Restored, able: Powers, progress: Progress) -> Iterator[str]:
    """What is not as it was, each as a sentence that names the path."""
    doubtful = {path for path, _ in manifest.doubtful()}
    for path, kept in manifest.folders.items():
        progress.check()
        there = restored.like(path, kept.folder.names)
        yield from _of_folder(path, kept, there, restored, able)
        if path != ROOTS and path not in doubtful:
            yield from _extra(path, there, set(kept.folder.names), manifest)
    for path, steps in ways(manifest):
        yield from _extra(path, restored.entries(path), steps, manifest)
    yield from _split_links(manifest, restored)


def _of_folder(path: str, kept: Kept, there: dict[str, Entry], restored: Restored, able: Powers) -> Iterator[str]:
    for name, entry, state, _ in kept.entries():
        if state == State.KNOWN:
            whole, now = os.path.join(path, name), there.get(name)
            yield from _differences(whole, entry, now, able)
            if now and stat.S_IFMT(now.mode) == stat.S_IFMT(entry.mode):
                yield from _inside(whole, restored.place(whole), name, entry, kept, able)


def _differences(path: str, was: Entry, now: Entry | None, able: Powers) -> Iterator[str]:
    is_device = stat.S_ISCHR(was.mode) or stat.S_ISBLK(was.mode)
    if now is None:
        if able.root or not is_device:
            yield f"{shown(path)} is missing"
        return
    if stat.S_IFMT(was.mode) != stat.S_IFMT(now.mode):
        yield f"{shown(path)} is {type_of(now.mode)}; {type_of(was.mode)} was there"
        return
    if was.mode != now.mode and not was.is_link:
        yield f"{shown(path)} has mode {stat.S_IMODE(now.mode):04o}; {stat.S_IMODE(was.mode):04o} was there"
    if able.root and (was.uid, was.gid) != (now.uid, now.gid):
        yield f"{shown(path)} belongs to {now.uid}:{now.gid}; it belonged to {was.uid}:{was.gid}"
    if is_device and was.special != now.special:
        yield f"{shown(path)} is another device"
    if was.is_file and was.links == 1 and now.links > 1:
        yield f"{shown(path)} shares its content with another name now"


def _inside(path: str, place: str, name: str, entry: Entry, kept: Kept, able: Powers) -> Iterator[str]:
    """What the record of an entry does not show: where a link points, and extended attributes."""
    if entry.is_link:
        now = os.readlink(place)
        if now != kept.targets[name]:
            yield f"{shown(path)} points to {shown(now)}; it pointed to {shown(kept.targets[name])}"
        return
    if not able.attributes:
        return
    was, found = kept.attributes.get(name, {}), attributes(place)
    for one in was.keys() | found.keys():
        # A machine may label files by itself, so a security attribute more is no damage; any other one more is.
        labelled = one not in was and one.startswith("security.")
        if was.get(one) != found.get(one) and able.attribute(one) and not labelled:
            how = "lost its" if one not in found else "has another" if one in was else "has a new"
            yield f"{shown(path)} {how} attribute {shown(one)}"


def _extra(path: str, there: dict[str, Entry], allowed: set[str], manifest: Manifest) -> Iterator[str]:
    excluded = excluder(manifest.exclude)
    for name in sorted(there.keys() - allowed - ({SEAL_FILE} if path == "/" else set())):
        whole = os.path.join(path, name)
        if not (excluded and excluded(whole)):
            yield f"{shown(whole)} was not there"


def _split_links(manifest: Manifest, restored: Restored) -> Iterator[str]:
    """Names that shared one file and do not any more."""
    groups: dict[tuple[int, int], list[str]] = defaultdict(list)
    for path, kept in manifest.folders.items():
        for name, entry, state, _ in kept.entries():
            if state == State.KNOWN and entry.is_file and entry.links > 1:
                groups[entry.device, entry.inode].append(os.path.join(path, name))
    for first, *others in groups.values():
        for other in others:
            places = restored.place(first), restored.place(other)
            if all(map(os.path.lexists, places)) and not os.path.samestat(*map(os.lstat, places)):
                yield f"{shown(other)} is a file of its own; it was the same file as {shown(first)}"
