"""A machine as `init` sees it: where to look, and what was found there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

MOST_OF_A_KIND = 20
ONE_OF_MANY = f"beyond the first {MOST_OF_A_KIND}; take the # away to protect it too"

ENTRIES_LOOKED_AT = 50_000
"""Below each place, so that a large disk is not read through."""

_OF_THE_SYSTEM = tuple(f"/var/lib/{name}" for name in ("PackageKit", "colord", "dnf", "dpkg", "fwupd", "rpm", "snapd"))
_VOLATILE = frozenset({"proc", "sysfs", "tmpfs", "devtmpfs", "ramfs", "cgroup", "cgroup2", "autofs", "squashfs"})


@dataclass(frozen=True, slots=True)
class Found:
    """One thing worth protecting; `remark` says what to check. What is not `proposed` is written as a comment.

    `exclude` are folders below it that hold our own copies and records.
    """

    workload: str
    kind: str
    where: str
    remark: str = ""
    proposed: bool = True
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to look. Each folder below `trees` is proposed for itself, `settings` as they are.

    `volatile` are places where nothing lasts, `ours` those of our own copies and records: neither is a source.
    """

    trees: tuple[str, ...] = ("/srv", "/var/www", "/home")
    settings: tuple[str, ...] = ("/etc",)
    databases: tuple[str, ...] = ("/srv", "/var/www", "/var/lib", "/home", "/opt")
    sockets: tuple[str, ...] = ("/var/run/postgresql", "/tmp")  # noqa: S108  # where PostgreSQL puts them by default
    volatile: tuple[str, ...] = ()
    ours: tuple[str, ...] = _OF_THE_SYSTEM


def this_machine() -> Machine:
    """The usual places of this machine."""
    # Source: proc(5), /proc/pid/mountinfo: the mount point is the fifth field, the type the first behind " - ".
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    volatile = (line[4].replace("\\040", " ") for line in lines if line[line.index("-") + 1] in _VOLATILE)
    return Machine(volatile=tuple(volatile))


def entries_of(folder: str, most: int = ENTRIES_LOOKED_AT) -> list[os.DirEntry[str]]:
    """What lies there, by name; nothing if we may not look."""
    try:
        with os.scandir(folder) as entries:
            return sorted(islice(entries, most), key=lambda entry: entry.name)
    except OSError:
        return []
