"""What a host of the estate needs before it can be backed up."""

from __future__ import annotations

from backstay.domain.errors import ConfigError
from backstay.domain.estate import LOCALHOST, Estate
from backstay.host.ssh import preparing


def preparation(estate: Estate, name: str) -> str:
    """The shell lines that prepare this host, for a person to read and to run. ConfigError if there is none."""
    if name == LOCALHOST:
        raise ConfigError(f"{name} is this machine, which needs no preparation", subject=name)
    if name not in estate.hosts:
        known = ", ".join(sorted(estate.hosts)) or "none"
        raise ConfigError(f"there is no host {name}", subject=name, hint=f"The estate's hosts are: {known}.")
    return preparing.preparation(estate.hosts[name])
