"""The structure as digests by description: every object that a schema dump would write, roles and memberships."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, LiteralString

if TYPE_CHECKING:
    from .address import Connection

_HEADER = re.compile(r"^-- Name: (?P<name>.*); Type: (?P<type>[^;]+); Schema: (?P<schema>.*?); Owner:(?: .*)?$")
_END = "-- PostgreSQL database dump complete"

_OF_THE_SESSION = re.compile(
    r"^(\\|SELECT pg_catalog\.set_config\('search_path'"
    r"|SET (\w+_timeout|client_encoding|standard_conforming_strings|check_function_bodies|xmloption"
    r"|client_min_messages|row_security|default_tablespace) = )"
)
"""Lines that steer the loading session. They hang on whatever object comes before them, and some are random tokens."""

_METHOD = re.compile(r"^SET default_table_access_method = (.*);$")
_ON_SOMETHING = {"ACL": "privileges on", "COMMENT": "comment on", "SECURITY LABEL": "security label on"}

_BESIDE_THE_SCHEMA: LiteralString = """
SELECT 'role ' || rolname, jsonb_build_array(
    rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
    rolvaliduntil::text, coalesce((SELECT array_agg(c ORDER BY c) FROM unnest(rolconfig) c), '{}'))::text
FROM pg_roles WHERE rolname !~ '^pg_'
UNION ALL
SELECT format('membership of %s in %s', m.rolname, g.rolname), bool_or(admin_option)::text
FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid
WHERE m.rolname !~ '^pg_' GROUP BY 1
UNION ALL
SELECT 'owners, privileges and comments of large objects', coalesce(sum(hashtextextended(jsonb_build_array(
    o.oid, o.lomowner::regrole, obj_description(o.oid, 'pg_largeobject'),
    (SELECT array_agg(p::text ORDER BY p::text) FROM unnest(coalesce(lomacl, acldefault('L', lomowner))) p)
    )::text, 0)::numeric), 0)::text
FROM pg_largeobject_metadata o"""

_EXTENSIONS: LiteralString = "SELECT extname, extversion FROM pg_extension"


def objects_in(sql: str) -> Mapping[str, str]:
    """What a schema dump holds, as digests by description.

    >>> dump = '''--
    ... -- Name: orders; Type: TABLE; Schema: public; Owner: shop
    ... --
    ...
    ... CREATE TABLE public.orders (id integer);
    ... '''
    >>> list(objects_in(dump))
    ['table public.orders']
    """
    texts: dict[str, list[str]] = {}
    for description, lines in _pieces(sql):
        texts.setdefault(description, []).append(_normal(description, lines))
    return {description: _digest("\n".join(sorted(each))) for description, each in texts.items()}


def objects_beside(connection: Connection) -> Mapping[str, str]:
    """Roles with their attributes and settings, memberships, and what a schema dump leaves out of large objects."""
    return {description: _digest(text) for description, text in connection.execute(_BESIDE_THE_SCHEMA)}


def extensions(connection: Connection) -> Mapping[str, str]:
    """Version by name; a schema dump does not say it."""
    return dict(connection.execute(_EXTENSIONS).fetchall())


def of_the_database(sql: str) -> Iterator[bytes]:
    """The statements about the database itself, but for the one that creates it."""
    for description, lines in _pieces(sql):
        if re.match(r"((privileges|comment|security label) on )?database ", description):
            yield "\n".join(line for line in lines if not line.startswith("CREATE DATABASE ")).encode() + b"\n"


def _pieces(sql: str) -> Iterator[tuple[str, list[str]]]:
    """Every object's description and definition, without what belongs to the session that loads it."""
    description, access, lines, before = "", "heap", list[str](), ""
    for line in [*sql.split("\n"), _END]:
        # A function's body may hold a line that looks like a header; a header has a rule above it.
        header = _HEADER.match(line) if before == "--" else None
        before = line
        if header or line == _END:
            if description:
                yield description, lines
            description, lines = (_described(header) if header else ""), []
            if description.startswith(("table ", "materialized view ")) and access != "heap":
                lines.append(f"-- access method {access}")
        elif method := _METHOD.match(line):
            access = method[1]
        elif not _OF_THE_SESSION.match(line):
            lines.append(line)


def _described(header: re.Match[str]) -> str:
    name, kind, schema = header["name"], header["type"], header["schema"]
    inside = "" if schema == "-" else f"{schema}."
    if kind in _ON_SOMETHING:
        what, _, name = name.partition(" ")
        return f"{_ON_SOMETHING[kind]} {what.lower()} {inside}{name}"
    return f"{kind.lower()} {inside}{name}"


def _normal(description: str, lines: list[str]) -> str:
    """Without empty lines and comment rules around it; privileges in one order, since theirs means nothing."""
    kept = [line.rstrip() for line in lines if line.strip() not in ("", "--")]
    if description.startswith("database "):
        # The locale is compared apart: it may be one that this machine does not have.
        kept = [re.sub(r" (LC_\w+|LOCALE|ICU_LOCALE|COLLATION_VERSION) = '[^']*'", "", line) for line in kept]
    return "\n".join(sorted(kept) if description.startswith("privileges ") else kept)


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
