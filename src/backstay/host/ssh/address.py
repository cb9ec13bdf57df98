"""ssh://[user@]host[:port], and how the tools of OpenSSH want it written."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from backstay.domain.errors import ConfigError
from backstay.domain.estate import Host


@dataclass(frozen=True, slots=True)
class Address:
    """What is None is decided by the ssh settings of this account."""

    host: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"{user}{self.host}{port}"

    def for_ssh(self) -> str:
        port = f"-p {self.port} " if self.port else ""
        return f"{port}{self.user}@{self.host}" if self.user else f"{port}{self.host}"

    def for_keyscan(self) -> str:
        return f"-p {self.port} {self.host}" if self.port else self.host

    def for_known_hosts(self) -> str:
        return f"'[{self.host}]:{self.port}'" if self.port and self.port != 22 else self.host


def address_of(host: Host) -> Address:
    """The parts of a host's address.

    >>> address_of(Host("app1", "ssh://backup@10.0.0.11:2222"))
    Address(host='10.0.0.11', user='backup', port=2222)
    """
    try:
        parts = urlsplit(host.address)
        name, port = parts.hostname, parts.port
    except ValueError:
        name, port = None, None
    if name is None or parts.scheme != "ssh" or parts.password is not None:
        raise ConfigError(
            f"the address of {host.name} is not one for ssh", subject=host.name, hint="Write ssh://user@host[:port]."
        )
    return Address(name, unquote(parts.username) if parts.username else None, port)
