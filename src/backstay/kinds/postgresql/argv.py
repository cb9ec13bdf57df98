"""The command lines of PostgreSQL's own programs. How they reach the server is in their environment, never here."""

from __future__ import annotations

from urllib.parse import quote, unquote

from .address import LOCK_WITHIN_S

GLOBALS = "globals.sql"
SUFFIX = ".dump"


def dump_name(database: str) -> str:
    """A file name for a database's dump that gives the database's name back.

    >>> dump_name("crm"), dump_name("../odd name")
    ('crm.dump', '..%2Fodd%20name.dump')
    """
    return quote(database, safe="") + SUFFIX


def database_of(dump: str) -> str:
    """The database whose dump lies under this file name."""
    return unquote(dump.removesuffix(SUFFIX))


def dump(programs: str, snapshot: str, into: str) -> tuple[str, ...]:
    """The data, in two processes, uncompressed: compressing and deduplicating is the engine's work.

    Source: PostgreSQL 15 and restic 0.14 on 2.5 million rows, three days with a few thousand neighbouring rows changed
    each. Uncompressed, a day added 0.6 MB to the repository and the dump took 0.5 s of CPU; with --compress=1 it added
    32 MB, as much as the first, and took 1.3 s. The price is the place for it: 244 MB instead of 38 MB.
    """
    return (
        f"{programs}/pg_dump", "--no-password", "--format=directory", "--jobs=2", "--compress=0",
        f"--lock-wait-timeout={LOCK_WITHIN_S}s", f"--snapshot={snapshot}", f"--file={into}",
    )  # fmt: skip


def schema(programs: str, snapshot: str | None = None) -> tuple[str, ...]:
    """Everything but the data as SQL, in UTF-8, without what another machine cannot have."""
    same_moment = (f"--snapshot={snapshot}",) if snapshot else ()
    return (
        f"{programs}/pg_dump", "--no-password", "--schema-only", "--create", "--no-tablespaces", "--encoding=UTF8",
        f"--lock-wait-timeout={LOCK_WITHIN_S}s", *same_moment,
    )  # fmt: skip


def stored_schema(programs: str, dump: str) -> tuple[str, ...]:
    """The same SQL, out of a dump."""
    return (f"{programs}/pg_restore", "--schema-only", "--create", "--no-tablespaces", "--file=-", dump)


def global_objects(programs: str, database: str, into: str, *, passwords: bool) -> tuple[str, ...]:
    """Roles, memberships and tablespaces. `database` is where to log in."""
    without = () if passwords else ("--no-role-passwords",)
    # pg_dumpall takes a name with "=" in it for a connection string, so it gets one, with the name quoted.
    name = database.replace("\\", "\\\\").replace("'", "\\'")
    return (
        f"{programs}/pg_dumpall", "--no-password", "--globals-only", f"--database=dbname='{name}'",
        f"--lock-wait-timeout={LOCK_WITHIN_S}s", *without, f"--file={into}",
    )  # fmt: skip


def contents(programs: str, dump: str) -> tuple[str, ...]:
    """What a dump says of itself; reads its table of contents only."""
    return (f"{programs}/pg_restore", "--list", dump)


def restore_schema(programs: str, dump: str, database: str) -> tuple[str, ...]:
    """Load the structure alone, as far as it goes."""
    return (
        f"{programs}/pg_restore",
        "--no-password",
        "--schema-only",
        "--no-tablespaces",
        f"--dbname={database}",
        dump,
    )


def restore(programs: str, dump: str, database: str, *, create: bool) -> tuple[str, ...]:
    """Load a dump, into the database that it names itself (`create`), logging in at `database`, or into `database`."""
    own = ("--create",) if create else ()
    name = database.replace("\\", "\\\\").replace("'", "\\'")
    return (
        f"{programs}/pg_restore", "--no-password", "--jobs=2", "--exit-on-error", "--no-tablespaces", *own,
        f"--dbname=dbname='{name}'", dump,
    )  # fmt: skip


def sql(programs: str) -> tuple[str, ...]:
    """Run SQL from standard input, whatever the user's own settings for psql are."""
    return (f"{programs}/psql", "--no-psqlrc", "--no-password", "--quiet", "--set=ON_ERROR_STOP=0", "--file=-")


def initdb(programs: str, folder: str, superuser: str, encoding: str, locale: str) -> tuple[str, ...]:
    """An empty cluster that trusts whoever can reach its socket, which lies in a private folder."""
    return (
        f"{programs}/initdb", "--no-sync", "--auth=trust", f"--username={superuser}", f"--encoding={encoding}",
        f"--locale={locale}", "--lc-messages=C", f"--pgdata={folder}",
    )  # fmt: skip


def serve(programs: str, folder: str, sockets: str) -> tuple[str, ...]:
    """A server for one restore: socket only, nothing durable, nothing in the background, warnings in its log."""
    settings = (
        "listen_addresses=", f"unix_socket_directories={sockets}", "unix_socket_permissions=0700", "port=5432",
        "fsync=off", "full_page_writes=off", "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0",
        "max_logical_replication_workers=0", "archive_mode=off", "autovacuum=off", "max_wal_size=1GB",
        "shared_buffers=64MB", "max_prepared_transactions=10", "log_min_messages=warning",
        "log_min_error_statement=panic", "lc_messages=C",
    )  # fmt: skip
    return (f"{programs}/postgres", "-D", folder, *(part for each in settings for part in ("-c", each)))
