"""Whether what should be mounted is mounted: an empty mount point looks like a tree that lost everything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence


def mounted(paths: Iterable[str]) -> list[str]:
    """Those of `paths` that are mount points now."""
    now = _mount_points()
    return [path for path in paths if os.path.realpath(path) in now]


def missing(paths: Sequence[str], fstab: str, earlier: Iterable[str]) -> list[str]:
    """Folders that `paths` are or lie in, listed in `fstab` or mount points earlier, but not mounted now."""
    expected = {*_listed(fstab), *earlier}
    needed = {folder for path in paths for folder in _upwards(path)} & expected
    now = _mount_points() if needed else frozenset()
    return sorted(folder for folder in needed if os.path.realpath(folder) not in now)


def _listed(fstab: str) -> list[str]:
    try:
        with open(fstab, encoding="utf-8", errors="surrogateescape") as lines:
            fields = [line.split() for line in lines if not line.lstrip().startswith("#")]
    except OSError:
        return []
    places = [_plain(one[1]) for one in fields if len(one) > 1]
    return [os.path.normpath(place) for place in places if place.startswith("/")]


def _mount_points() -> frozenset[str]:
    """All of this moment; unlike a look at the device numbers, this sees a bind mount on the same file system too."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        return frozenset(_plain(line.split()[4]) for line in lines)


def _plain(place: str) -> str:
    """The kernel and fstab write spaces and their like as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), place)


def _upwards(path: str) -> list[str]:
    above = [path]
    while above[-1] != "/":
        above.append(os.path.dirname(above[-1]))
    return above
