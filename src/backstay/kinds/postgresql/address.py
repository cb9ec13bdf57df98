"""Where a database is, how we reach it, and how our child programs reach the very same one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from backstay.domain.errors import BackstayError, ConfigError, SourceFailed, Unavailable
from backstay.domain.estate import DatabaseSource, Workload
from backstay.domain.secrets import Secret, SecretRef
from backstay.ports.secrets import Secrets

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

CONNECT_WITHIN_S = 10
LOCK_WITHIN_S = 10
"""A lock that takes longer means that somebody changes the schema; waiting on would hold up everybody behind us."""

PINNED: Mapping[str, str] = {
    "search_path": "pg_catalog",
    "datestyle": "ISO, YMD",
    "timezone": "UTC",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "xmloption": "content",
    "row_security": "off",
    "jit": "off",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": f"{LOCK_WITHIN_S}s",
}
"""Settings that the text of a value depends on, and those that would end a long transaction or hide rows from us."""


@dataclass(frozen=True, slots=True)
class Address:
    """libpq's keywords without the password, and the password apart."""

    keywords: Mapping[str, str] = field(default_factory=dict)
    password: Secret | None = None

    def to(self, database: str) -> Address:
        """The same server, another database."""
        return replace(self, keywords={**self.keywords, "dbname": database})

    def __str__(self) -> str:
        where = self.keywords.get("host") or self.keywords.get("hostaddr") or "this machine"
        return f"database {self.keywords.get('dbname', 'of the default name')} at {where}"


def address_of(workload: Workload, secrets: Secrets) -> Address:
    """Where the workload's database is."""
    if not isinstance(workload.source, DatabaseSource):
        raise ConfigError(f"{workload.name} names no database", subject=workload.name)
    return resolved(workload.source.dsn, secrets)


def resolved(dsn: SecretRef | str, secrets: Secrets) -> Address:
    """An address as libpq reads it, URL or key=value. libpq's own complaint is withheld: it quotes what it read."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    text = secrets.resolve(dsn).reveal() if isinstance(dsn, SecretRef) else dsn
    try:
        keywords = {name: str(value) for name, value in conninfo_to_dict(text).items() if value is not None}
    except psycopg.Error:
        raise ConfigError(
            f"the database address in {dsn if isinstance(dsn, SecretRef) else 'the estate file'} cannot be read",
            hint="Write it as postgresql://user@host:5432/database, with special characters percent-encoded.",
        ) from None
    password = keywords.pop("password", None)
    if password:
        secrets.hide(password)
    return Address(keywords, Secret(password) if password else None)


@contextmanager
def connected(address: Address, secrets: Secrets) -> Iterator[Connection]:
    """A session with every setting pinned that matters to us; what goes wrong in it is told in our errors."""
    import psycopg

    keywords: dict[str, Any] = {"connect_timeout": CONNECT_WITHIN_S, **address.keywords}
    keywords |= {"application_name": "backstay", "client_encoding": "utf8", "autocommit": True}
    if address.password:
        keywords["password"] = address.password.reveal()
    try:
        connection = psycopg.connect("", **keywords)
    except psycopg.OperationalError as error:
        raise _refused(address, secrets.redact(str(error))) from None
    with connection, _told(address, secrets):
        connection.execute(
            "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS pinned(name, value)",
            (list(PINNED), list(PINNED.values())),
        )
        yield connection


def child_environment(connection: Connection) -> dict[str, str | Secret]:
    """What leads libpq in a child program to the very server that this session reached, by environment alone."""
    from psycopg.pq import Conninfo

    info = connection.info
    reached = info.get_parameters() | {"host": info.host, "port": str(info.port), "user": info.user}
    reached |= {"dbname": info.dbname, "application_name": "backstay"}
    names = {option.keyword.decode(): option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar}
    found: dict[str, str | Secret] = {names[key]: value for key, value in reached.items() if key in names and value}
    if info.password:
        found["PGPASSWORD"] = Secret(info.password)
    return found


def _refused(address: Address, said: str) -> BackstayError:
    told = [line.strip() for line in said.splitlines() if "failed:" in line] or said.strip().splitlines()
    last = told[-1].removeprefix("connection failed: ") if told else "no answer"
    database = address.keywords.get("dbname") or address.keywords.get("user", "")
    if f'database "{database}" does not exist' in said:
        return SourceFailed(f"there is no {address}", subject=database, hint="Correct the address, or bring it back.")
    return Unavailable(
        f"{address} refused us or did not answer: {last}",
        subject=database,
        hint="See that the server runs, and that this account may log in from here.",
    )


@contextmanager
def _told(address: Address, secrets: Secrets) -> Iterator[None]:
    """A server's complaints in our words: what time may cure, and what the operator must."""
    import psycopg
    from psycopg import errors

    try:
        yield
    except psycopg.Error as error:
        said = secrets.redact((error.diag.message_primary or str(error)).strip())
        if isinstance(error, errors.InsufficientPrivilege):
            hint = "Grant it (the role pg_read_all_data may read everything), or back up as the owner."
            raise SourceFailed(f"{address}: {said}", subject=str(address), hint=hint) from None
        if isinstance(error, psycopg.OperationalError | errors.UndefinedTable):
            raise Unavailable(f"{address}: {said}", subject=str(address)) from None
        raise SourceFailed(f"{address}: {said}", subject=str(address)) from None
