"""Whether what should be mounted is mounted: an empty mount point looks like a tree that lost everything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence

from backstay.ports.progress import Progress

from .trees import Trees

_MOUNTED = "/proc/self/mountinfo"


def mounted(paths: Sequence[str], trees: Trees, progress: Progress) -> list[str]:
    """Those of `paths` that are mount points now."""
    now = _mount_points(trees, progress)
    return [path for path, real in zip(paths, trees.real(paths, progress), strict=True) if real in now]


def missing(paths: Sequence[str], fstab: str, earlier: Iterable[str], trees: Trees, progress: Progress) -> list[str]:
    """Folders that `paths` are or lie in, listed in `fstab` or mount points earlier, but not mounted now."""
    expected = {*_listed(trees.text(fstab, progress)), *earlier}
    needed = sorted({folder for path in paths for folder in _upwards(path)} & expected)
    if not needed:
        return []
    now = set(mounted(needed, trees, progress))
    return [folder for folder in needed if folder not in now]


def _listed(fstab: str) -> list[str]:
    fields = [line.split() for line in fstab.split("\n") if not line.lstrip().startswith("#")]
    places = [_plain(one[1]) for one in fields if len(one) > 1]
    return [os.path.normpath(place) for place in places if place.startswith("/")]


def _mount_points(trees: Trees, progress: Progress) -> frozenset[str]:
    """All of this moment; unlike a look at the device numbers, this sees a bind mount on the same file system too."""
    lines = trees.text(_MOUNTED, progress).split("\n")
    return frozenset(_plain(line.split()[4]) for line in lines if line)


def _plain(place: str) -> str:
    """The kernel and fstab write spaces and their like as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), place)


def _upwards(path: str) -> list[str]:
    above = [path]
    while above[-1] != "/":
        above.append(os.path.dirname(above[-1]))
    return above
