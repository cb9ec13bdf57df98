"""What a server says of itself and of one database: for records, findings, and a like cluster elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, LiteralString

from backstay.domain.errors import InvariantBroken, SourceFailed
from backstay.domain.findings import Finding

if TYPE_CHECKING:
    from .address import Connection

OLDEST_MAJOR = 14
"""The first with `hash_record_extended`."""

# to_jsonb, because some of these columns are not there in every version.
_FACTS: LiteralString = """
SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000, datname,
       pg_encoding_to_char(encoding), coalesce(datcollate, ''), coalesce(datctype, ''),
       coalesce(to_jsonb(d)->>'datcollversion', ''),
       (SELECT rolname FROM pg_roles WHERE oid = 10), pg_database_size(d.oid),
       (SELECT count(*) FROM pg_class WHERE relkind = 'i' AND oid >= 16384)
FROM pg_database d WHERE datname = current_database()"""

_UNREADABLE: LiteralString = """
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'))
ORDER BY 1"""

_ROWS: LiteralString = """
SELECT sum(CASE WHEN c.reltuples >= 0 THEN c.reltuples END)::int8
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""

_INVALID_INDEXES: LiteralString = """
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' ORDER BY 1"""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """`version` as the server prints it; `superuser` is the account that the cluster was made with."""

    version: str
    major: int
    database: str
    encoding: str
    collate: str
    ctype: str
    collation_version: str
    superuser: str
    database_bytes: int
    indexes: int
    system_identifier: str | None = None


def facts_of(connection: Connection) -> ServerFacts:
    """SourceFailed for a server too old to be fingerprinted."""
    row = connection.execute(_FACTS).fetchone()
    if row is None:
        raise InvariantBroken("a session without a database")
    facts = replace(ServerFacts(*row), system_identifier=_system_identifier(connection))
    if facts.major < OLDEST_MAJOR:
        raise SourceFailed(
            f"PostgreSQL {facts.version} is too old to be fingerprinted",
            subject=facts.database,
            hint=f"Upgrade the server to {OLDEST_MAJOR} or newer; older ones get no corrections any more.",
        )
    return facts


def printable(facts: ServerFacts) -> dict[str, Any]:
    return asdict(facts)


def estimated_rows(connection: Connection) -> int | None:
    """From the planner's statistics; None if nothing was ever counted."""
    counted: int | None = _value(connection, _ROWS)
    return counted


def require_readable(connection: Connection) -> None:
    """SourceFailed naming what this account may not read; a dump would end there."""
    refused = [name for (name,) in connection.execute(_UNREADABLE)]
    if refused:
        shown = ", ".join(refused[:3]) + (f" and {len(refused) - 3} more" if len(refused) > 3 else "")
        raise SourceFailed(
            f"{connection.info.user} may not read {shown}",
            subject=connection.info.dbname,
            hint="Grant it (the role pg_read_all_data may read everything), or back up as the owner.",
        )


def reads_passwords(connection: Connection) -> bool:
    """Whether role passwords can be dumped."""
    return bool(_value(connection, "SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT')"))


def findings(connection: Connection, workload: str, not_compared: Mapping[str, str]) -> tuple[Finding, ...]:
    """What the operator should know of this source."""
    told = []
    if not reads_passwords(connection):
        message = "role passwords cannot be read by this account: restored roles will have none"
        told.append(Finding("globals-without-passwords", "warning", workload, message, "Back up as a superuser."))
    if not_compared:
        shown = ", ".join(f"{name} ({why})" for name, why in sorted(not_compared.items())[:5])
        message = f"{len(not_compared)} relations are not compared in drills: {shown}"
        told.append(Finding("relations-not-compared", "advice", workload, message))
    for (index,) in connection.execute(_INVALID_INDEXES):
        message = f"index {index} is invalid, and so not in the backup"
        told.append(Finding("invalid-index", "warning", workload, message, "Build it anew, or drop it."))
    return tuple(told)


def _system_identifier(connection: Connection) -> str | None:
    """The cluster's own number, where we may ask for it."""
    if not _value(connection, "SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')"):
        return None
    return str(_value(connection, "SELECT system_identifier FROM pg_control_system()"))


def _value(connection: Connection, query: LiteralString) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
