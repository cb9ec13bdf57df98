"""The `Places` port: throwaway folders, recorded before they are made, so that none is ever lost."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from backstay.domain.errors import ConfigError, Unavailable

from .owner import Owner
from .state import part_of

_LONGEST = 60
"""Bytes of the folder above, so that a socket in a sub-folder of a place stays below the 107 that Linux allows."""

_NAME = re.compile(r"backstay-[0-9a-f]{8}")


class ScratchPlaces:
    """Folders `backstay-…` in the folder for temporary files, each with a record in `<state>/places/`."""

    def __init__(self, state: str) -> None:
        self._state = state
        self._records = Path(state, "places")

    @cached_property
    def ordinary_user(self) -> str | None:
        if os.geteuid() != 0:
            return None
        with contextlib.suppress(KeyError):
            return pwd.getpwnam("postgres").pw_name
        return "nobody"

    @contextmanager
    def open(self, purpose: str, *, for_user: str | None = None) -> Iterator[str]:
        path = _parent(for_user) / f"backstay-{secrets.token_hex(4)}"
        record = self._records / path.name
        try:
            self._record(record, path)
            _make(path, for_user)
        except OSError as error:
            record.unlink(missing_ok=True)
            raise Unavailable(f"no folder for {purpose} could be made: {error.strerror}", subject=str(path)) from error
        try:
            yield str(path)
        finally:
            _remove(path, record)

    def sweep(self) -> int:
        records = list(self._records.iterdir()) if self._records.is_dir() else []
        return sum(_swept(record) for record in records if _NAME.fullmatch(record.name))

    def _record(self, record: Path, path: Path) -> None:
        part_of(self._state, "places")
        record.write_text(f"{Owner.me()}\n{path}\n")


def _parent(for_user: str | None) -> Path:
    """Where the place goes: TMPDIR, unless a socket in it would have too long a name or `for_user` cannot go there."""
    candidates = [Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - the names are random, the folders private
    for candidate in candidates:
        if len(os.fsencode(candidate)) <= _LONGEST and (for_user is None or _open_to_all(candidate)):
            return candidate
    raise ConfigError(f"{candidates[0]} is no place for throwaway folders", hint="Set TMPDIR to a shorter path.")


def _open_to_all(folder: Path) -> bool:
    return all(step.stat().st_mode & stat.S_IXOTH for step in (folder, *folder.parents))


def _make(path: Path, for_user: str | None) -> None:
    path.mkdir(mode=0o700)
    if for_user is not None and os.geteuid() == 0:
        account = pwd.getpwnam(for_user)
        os.chown(path, account.pw_uid, account.pw_gid)


def _swept(record: Path) -> bool:
    try:
        owner, path = record.read_text().splitlines()[:2]
    except (FileNotFoundError, ValueError):
        # Another sweep was here, or its owner died before it wrote the record, and so before it made the folder.
        return False
    alive = Owner.parse(owner)
    if Path(path).name != record.name or alive is None or alive.alive():
        return False
    there = Path(path).exists()
    _remove(Path(path), record)
    return there and not Path(path).exists()


def _remove(path: Path, record: Path) -> None:
    """All of it, read-only folders too, but never through a mount: what is behind one is not ours."""
    if not _mounts_below(path):
        _empty(path)
    if not path.exists():
        record.unlink(missing_ok=True)


def _empty(path: Path) -> None:
    with contextlib.suppress(OSError):  # the second try is the answer to the first one's errors
        shutil.rmtree(path)
    if path.exists():
        _open_up(path)
        shutil.rmtree(path, ignore_errors=True)


def _open_up(path: Path) -> None:
    """Restored folders keep their modes, and nobody but root can empty one that is read-only."""
    os.chmod(path, 0o700)
    for folder, _, _ in os.walk(path):
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, 0o700)


def _mounts_below(path: Path) -> bool:
    # Source: proc(5), /proc/pid/mountinfo, field 5.
    mounts = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return any(mount == str(path) or mount.startswith(f"{path}/") for mount in mounts)
