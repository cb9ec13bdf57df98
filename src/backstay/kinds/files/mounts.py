"""Whether what should be mounted is mounted: an empty mount point looks like a tree that lost everything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence


def mounted(paths: Iterable[str]) -> list[str]:
    """Those of `paths` that are mount points now."""
    return [path for path in paths if os.path.ismount(path)]


def missing(paths: Sequence[str], fstab: str, earlier: Iterable[str]) -> list[str]:
    """Folders that `paths` are or lie in, listed in `fstab` or mount points earlier, but not mounted now."""
    expected = {*_listed(fstab), *earlier}
    needed = {folder for path in paths for folder in _upwards(path)} & expected
    return sorted(folder for folder in needed if not os.path.ismount(folder))


def _listed(fstab: str) -> list[str]:
    try:
        with open(fstab, encoding="utf-8", errors="surrogateescape") as lines:
            fields = [line.split() for line in lines if not line.lstrip().startswith("#")]
    except OSError:
        return []
    places = [re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), one[1]) for one in fields if len(one) > 1]
    return [os.path.normpath(place) for place in places if place.startswith("/")]


def _upwards(path: str) -> list[str]:
    above = [path]
    while above[-1] != "/":
        above.append(os.path.dirname(above[-1]))
    return above
