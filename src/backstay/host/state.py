"""The state folder: keys, places, logs and the catalog of one estate, on this machine."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from backstay.domain.errors import CatalogError, ConfigError

Part = Literal["keys", "work", "places", "logs", "home"]

_HINTS = {
    errno.ENOSPC: "Free some space on that disk; nothing that was recorded is lost.",
    errno.EDQUOT: "Free some space, or have the quota raised; nothing that was recorded is lost.",
    errno.EROFS: "The disk is mounted read-only: look at the kernel's log for the reason, and mount it writable.",
    errno.EACCES: "Run this as the user who owns the folder, or name another one with --state or BACKSTAY_STATE.",
    errno.EPERM: "Run this as the user who owns the folder, or name another one with --state or BACKSTAY_STATE.",
}


def state_path(asked: str | None, environ: Mapping[str, str]) -> str:
    """Where the state lies: what was asked for, else BACKSTAY_STATE, else the XDG state folder. Nothing is made.

    >>> state_path(None, {"HOME": "/home/ada"})
    '/home/ada/.local/state/backstay'
    """
    if named := asked or environ.get("BACKSTAY_STATE"):
        return os.path.abspath(named)
    if (xdg := environ.get("XDG_STATE_HOME", "")).startswith("/"):
        return os.path.join(xdg, "backstay")
    if home := environ.get("HOME"):
        return os.path.join(home, ".local", "state", "backstay")
    raise ConfigError(
        "there is no home folder to keep the state in",
        hint="Set BACKSTAY_STATE, or give --state, to a folder that lasts.",
    )


def open_state(path: str) -> str:
    """The folder's real path, made with mode 0700 if it was not there. Existing folders keep their modes.

    Raises: ConfigError if others could write into it, CatalogError if we cannot.
    """
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        mode = os.stat(path).st_mode
    except OSError as error:
        raise state_error(error, path) from error
    if mode & 0o022:
        raise ConfigError(
            f"others may write into the state folder {path}",
            subject=path,
            hint=f"Run: chmod go-w {path}, or name a private folder with --state or BACKSTAY_STATE.",
        )
    if not os.access(path, os.W_OK | os.X_OK):
        raise state_error(OSError(_why_not(path), ""), path)
    return os.path.realpath(path)


def part_of(state: str, part: Part) -> Path:
    """A sub-folder of the state folder, made with mode 0700 when first asked for."""
    folder = Path(state, part)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise state_error(error, str(folder)) from error
    return folder


def private_file(state: str, name: str) -> Path:
    """A file of the state folder, made if it was not there, that only its owner may read."""
    path = Path(state, name)
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
    except OSError as error:
        raise state_error(error, str(path)) from error
    return path


def state_error(error: OSError, path: str) -> CatalogError:
    """What to tell the operator when something in the state folder cannot be read or written."""
    number = error.errno or 0
    return CatalogError(f"{path} cannot be used: {os.strerror(number)}", subject=path, hint=_HINTS.get(number))


def _why_not(path: str) -> int:
    return errno.EROFS if os.statvfs(path).f_flag & os.ST_RDONLY else errno.EACCES
