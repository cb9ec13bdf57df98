"""Repository keys that we made ourselves, one file each."""

from __future__ import annotations

import os
import secrets as randomness
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backstay.domain.errors import EngineFailed, InvariantBroken
from backstay.domain.estate import Target
from backstay.domain.secrets import Secret, SecretRef
from backstay.ports.secrets import Secrets

from .state import part_of, state_error

_BITS = 256


@dataclass(frozen=True, slots=True)
class RepositoryKey:
    """Where the key of one repository lies; never the key."""

    target: str
    engine: str
    name: str
    path: str


class RepositoryKeys:
    """Passwords of repositories: the target's own `password:`, else a key in `<state>/keys`, made on first use."""

    def __init__(self, state: str, secrets: Secrets) -> None:
        self._state = state
        self._secrets = secrets

    def password_for(self, target: Target, engine: str, name: str, *, must_exist: bool = False) -> Secret:
        """The password. `must_exist` for a repository that is already there: a new key would not open it.

        Raises: EngineFailed if the key of an existing repository is missing.
        """
        if target.password is not None:
            return self._secrets.resolve(target.password)
        path = Path(self.path_of(target, engine, name))
        if not path.exists():
            if must_exist:
                raise _lost(path, target, engine, name)
            _create(part_of(self._state, "keys") / target.name, path)
        return self._secrets.resolve(SecretRef("file", str(path)))

    def path_of(self, target: Target, engine: str, name: str) -> str:
        """Where the key lies, or would lie."""
        if any("/" in part or part in ("", ".", "..") for part in (target.name, engine, name)):
            raise InvariantBroken(f"{target.name}/{engine}-{name} is no name for a key file")
        return str(Path(self._state, "keys", target.name, f"{engine}-{name}.key"))

    def made(self) -> tuple[RepositoryKey, ...]:
        """Every key that we made, in the order of their paths."""
        return tuple(_described(path) for path in sorted(Path(self._state, "keys").glob("*/*-*.key")))


def _described(path: Path) -> RepositoryKey:
    engine, _, name = path.name.removesuffix(".key").partition("-")
    return RepositoryKey(path.parent.name, engine, name, str(path))


def _lost(path: Path, target: Target, engine: str, name: str) -> EngineFailed:
    return EngineFailed(
        f"the key of the {engine} repository {name} in {target.name} is missing",
        subject=f"{target.name}/{engine}/{name}",
        hint=f"Put it back at {path} with mode 0600: without it nobody can read what lies there. "
        "To begin anew, move the old repository away first.",
    )


def _create(folder: Path, path: Path) -> None:
    """The key appears whole or not at all, and never twice: another process that makes it too finds ours, or wins."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with _draft(folder) as draft:
            _link(draft, path)
        _make_last(folder)
    except OSError as error:
        raise state_error(error, str(path)) from error


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    draft = folder / f".{randomness.token_hex(8)}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(randomness.token_urlsafe(_BITS // 8))
            file.flush()
            os.fsync(handle)
        yield draft
    finally:
        draft.unlink()


def _link(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return


def _make_last(folder: Path) -> None:
    """A key that a power failure takes away takes its repository with it."""
    for step in (folder, folder.parent):
        handle = os.open(step, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
