"""Where a catalog lies, read from its address and shown without its password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from backstay.domain.errors import ConfigError
from backstay.domain.secrets import Secret

SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class SqliteAddress:
    """A file on this machine."""

    path: str

    @property
    def shown(self) -> str:
        return f"{SQLITE}{self.path}"


@dataclass(frozen=True, slots=True)
class PostgresqlAddress:
    """A server; `parameters` are libpq's own words and hold the password."""

    shown: str
    parameters: Mapping[str, str] = field(repr=False)


Address = SqliteAddress | PostgresqlAddress


def read_address(address: str | Secret) -> Address:
    """The address, understood. Everything after `sqlite:///` is the path, whatever characters it has.

    Raises: ConfigError if it names neither of the two databases; the address is not repeated, for it may be secret.
    """
    text = address.reveal() if isinstance(address, Secret) else address
    if text.startswith(SQLITE) and len(text) > len(SQLITE):
        return SqliteAddress(text.removeprefix(SQLITE))
    if text.startswith(POSTGRESQL):
        return _postgresql(text)
    raise ConfigError(
        "the catalog's address names no database",
        subject="catalog",
        hint="Write sqlite:///path/to/catalog.db or postgresql://user@host/database.",
    )


def _postgresql(text: str) -> PostgresqlAddress:
    # Imported here because psycopg costs 0.15 s that a SQLite catalog need not pay.
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        given = {name: str(value) for name, value in conninfo_to_dict(text).items() if value is not None}
    except psycopg.ProgrammingError:
        # Not chained: libpq's complaint may quote the part that holds the password.
        raise ConfigError(
            "the catalog's postgresql address cannot be read",
            subject="catalog",
            hint="Write it as postgresql://user@host:port/database; percent-encode special characters in the password.",
        ) from None
    return PostgresqlAddress(_shown(given), given)


def _shown(given: Mapping[str, str]) -> str:
    user = f"{given['user']}@" if "user" in given else ""
    port = f":{given['port']}" if "port" in given else ""
    return f"postgresql://{user}{given.get('host', '')}{port}/{given.get('dbname', '')}"
