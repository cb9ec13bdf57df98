"""Which store serves a target."""

from __future__ import annotations

from backstay.domain.errors import ConfigError
from backstay.domain.estate import Target
from backstay.ports.store import Store

from .path import PathStore
from .rclone import Rclone
from .remote import RemoteStore
from .remotes import remote_of


def store_for(target: Target, engine: str, name: str, *, first_use: bool, rclone: Rclone | None = None) -> Store:
    """The store of one repository; without `rclone`, of folders only. `first_use`: no copy was ever stored in this
    target."""
    if remote_of(target).scheme == "path":
        return PathStore(target.url, engine, name, first_use)
    if rclone is None:
        raise ConfigError(
            f"the target {target.name} is {target.url}: this command works on folders only",
            subject=target.name,
            hint="Give it an absolute path; a mounted network share will do.",
        )
    return RemoteStore(rclone, target, engine, name, first_use)
