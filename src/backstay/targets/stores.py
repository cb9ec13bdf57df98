"""Which store serves a target."""

from __future__ import annotations

from backstay.domain.errors import ConfigError
from backstay.domain.estate import Target
from backstay.ports.store import Store

from .path import PathStore


def store_for(target: Target, engine: str, name: str, *, first_use: bool) -> Store:
    """The store of one repository. `first_use`: no copy was ever stored in this target."""
    if not target.url.startswith("/"):
        raise ConfigError(
            f"the target {target.name} is {target.url}: this version writes to folders only",
            subject=target.name,
            hint="Give it an absolute path; a mounted network share will do.",
        )
    return PathStore(target.url, engine, name, first_use)
