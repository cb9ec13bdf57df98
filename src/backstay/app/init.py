"""`init`: a starter estate from what this machine holds."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from backstay.domain.errors import ConfigError, Refused
from backstay.host.state import state_path

from .looking import look
from .machine import Found, Machine, this_machine
from .starter import Starter, name_of, names_of, text_of

TARGET_OF_ROOT = "/var/backups/backstay"


@dataclass(frozen=True, slots=True)
class InitView:
    """The file that was written and what it proposes."""

    path: str
    estate: str
    found: tuple[Found, ...]


def init(directory: str, state: str | None = None, machine: Machine | None = None) -> InitView:
    """Write `estate.yaml` into the directory; Refused if there is one.

    `state` is the state folder that was asked for; `machine` says where to look, this whole machine if not given.
    """
    folder = Path(directory).absolute()
    path = folder / "estate.yaml"
    _require_free(folder, path)
    starter = _starter(folder, state, machine or this_machine())
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text_of(starter))
    except FileExistsError:
        raise _there_already(path) from None
    except OSError as error:
        raise _unwritable(path, error) from error
    return InitView(str(path), starter.estate, starter.found)


def _require_free(folder: Path, path: Path) -> None:
    """Known before the machine is looked at, which may take seconds."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = os.path.lexists(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    if taken:
        raise _there_already(path)
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        raise _unwritable(path, PermissionError(0, "Permission denied"))


def _there_already(path: Path) -> Refused:
    return Refused(f"{path} is there already", subject=str(path), hint="Edit it, or give init another folder.")


def _unwritable(path: Path, error: OSError) -> ConfigError:
    hint = "Give init a folder that you may write into."
    return ConfigError(f"{path} cannot be written: {error.strerror}", subject=str(path), hint=hint)


def _starter(folder: Path, asked: str | None, machine: Machine) -> Starter:
    state, target = _state(asked, os.environ), _target(folder, os.environ)
    machine = replace(machine, ours=(*machine.ours, target, *((state,) if state else ())))
    found = tuple(names_of(look(machine, str(folder))))
    estate = name_of(socket.gethostname().split(".")[0]) or "estate"
    return Starter(estate, target, state, found)


def _state(asked: str | None, environ: Mapping[str, str]) -> str | None:
    try:
        return state_path(asked, environ)
    except ConfigError:  # there is no home: the file says what to do about it
        return None


def _target(folder: Path, environ: Mapping[str, str]) -> str:
    """Where copies go until somebody names a better place."""
    if os.geteuid() == 0:
        return TARGET_OF_ROOT
    home = environ.get("HOME", "")
    own = environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    usable = home.startswith("/") and os.access(home, os.W_OK, effective_ids=True)
    return os.path.join(own if usable and own.startswith("/") else str(folder), "backstay", "backups")
