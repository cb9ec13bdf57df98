"""The structure of a restored database, read as it was read at the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backstay.domain.errors import EngineFailed
from backstay.ports.progress import Progress
from backstay.ports.runner import Command, Runner

from . import argv
from .cluster import Cluster
from .comparing import changed
from .structure import objects_in

if TYPE_CHECKING:
    from .address import Connection

_SECOND = "backstay_second"


@dataclass(frozen=True, slots=True)
class SchemaReader:
    """`dumper` is the folder with the pg_dump that wrote the recorded structure; `dump` what was restored."""

    runner: Runner
    cluster: Cluster
    dumper: str
    dump: str
    progress: Progress

    def objects_of(self, database: str) -> Mapping[str, str]:
        """Digests by description."""
        command = Command(argv.schema(self.dumper), env=self.cluster.environment(database))
        done = self.runner.run(command, self.progress)
        if done.status != 0:
            raise EngineFailed(f"pg_dump of the restored database ended with status {done.status}", hint=done.err)
        return objects_in(done.out)

    def excused(
        self, connection: Connection, recorded: Mapping[str, str], restored: Mapping[str, str]
    ) -> frozenset[str]:
        """Objects that PostgreSQL writes otherwise after a restore, though nothing was lost.

        A check on a varchar column, for one, comes back with its casts in another place. Such an object is excused if
        the dump's definition is the recorded one, and loading that definition once more gives what was restored.
        """
        suspects = changed(recorded, restored)
        if not suspects:
            return frozenset()
        listing = self.runner.run(Command(argv.stored_schema(self.dumper, self.dump)), self.progress)
        stored = objects_in(listing.out)
        _make_second(connection)
        command = argv.restore_schema(self.cluster.programs, self.dump, _SECOND)
        self.runner.run(Command(command, env=self.cluster.environment(_SECOND)), self.progress)
        again = self.objects_of(_SECOND)
        return frozenset(
            name for name in suspects if stored.get(name) == recorded[name] and again.get(name) == restored[name]
        )


def _make_second(connection: Connection) -> None:
    """A second, empty database like the one of this session."""
    from psycopg.sql import SQL, Identifier, Literal

    row = connection.execute(
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    encoding, collate, ctype = row or ("UTF8", "C", "C")
    connection.execute(SQL("DROP DATABASE IF EXISTS {}").format(Identifier(_SECOND)))
    connection.execute(
        SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(
            Identifier(_SECOND), Literal(encoding), Literal(collate), Literal(ctype)
        )
    )
