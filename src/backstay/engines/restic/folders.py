"""The folders of this machine that restic fills."""

from __future__ import annotations

import errno
import glob
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backstay.domain.errors import EngineFailed, Refused
from backstay.ports.engine import SEAL_FILE


def move_in(made: str, place: str) -> None:
    """Put a folder in the place of an empty one; if somebody filled the place meanwhile, theirs stays."""
    with _usable(place):
        try:
            os.rename(made, place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise


def remove_half_made(place: str) -> None:
    """What programs that died while they made a repository left beside its place."""
    for beside in Path(place).parent.glob(f"{glob.escape(Path(place).name)}.*-*"):
        maker = re.fullmatch(r"(\d+)-[0-9a-f]{8}", beside.name.removeprefix(f"{Path(place).name}."))
        if maker and not Path("/proc", maker[1]).exists():
            shutil.rmtree(beside, ignore_errors=True)


def remove_unfinished_locks(place: str) -> None:
    """What a restic that was killed while it wrote its lock left: no lock yet, and nobody's to take away."""
    for draft in Path(place, "locks").glob("*-tmp-*"):
        draft.unlink(missing_ok=True)


def refuse_unless_empty(folder: str) -> None:
    """Refused if anything is there already; makes the folder if there is none."""
    with _usable(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
        occupied = any(Path(folder).iterdir())
    if occupied:
        hint = "Name an empty folder; nothing that exists is ever written over."
        raise Refused(f"{folder} is not empty", subject=folder, hint=hint)


def remove_seal(folder: str) -> None:
    Path(folder, SEAL_FILE).unlink(missing_ok=True)


def measure(folder: str) -> tuple[int, int]:
    """How many regular files there are, and their bytes; links are not followed."""
    found = [os.lstat(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names]
    sizes = [entry.st_size for entry in found if stat.S_ISREG(entry.st_mode)]
    return len(sizes), sum(sizes)


@contextmanager
def _usable(folder: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "Name an ordinary folder that this user may write to."
        raise EngineFailed(f"{folder} cannot be used: {error.strerror}", subject=folder, hint=hint) from error
