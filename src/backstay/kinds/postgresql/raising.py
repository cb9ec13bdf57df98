"""From restored artefacts to a running database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from backstay.domain.errors import SourceFailed, Unavailable
from backstay.ports.clock import Clock
from backstay.ports.kind import Raised, RaiseRequest
from backstay.ports.places import Places
from backstay.ports.progress import Progress
from backstay.ports.runner import Command, Runner
from backstay.ports.secrets import Secrets

from . import argv, programs, structure
from .address import connected
from .cluster import Cluster, ClusterRequest, Clusters
from .comparing import told
from .loading import Artefacts, Loader, artefacts_in, complaints
from .raised import NotRaised, RaisedDatabase

_DUMPED_FROM = re.compile(r"^;\s+Dumped from database version: (\d+)", re.MULTILINE)
_NOT_ON_THIS_MACHINE = re.compile(
    r'extension "(?P<extension>[^"]+)" is not available'
    r'|collation "(?P<collation>pg_catalog\.[^"]+)" for encoding .* does not exist'
    r'|(?P<library>could not access file "[^"]+": No such file)'
)


class Raiser:
    """Makes a private cluster of the source's version and loads a dump into it."""

    def __init__(self, runner: Runner, secrets: Secrets, places: Places, clock: Clock) -> None:
        self._runner = runner
        self._secrets = secrets
        self._clusters = Clusters(runner, secrets, places, clock)

    @contextmanager
    def raised(self, request: RaiseRequest, progress: Progress) -> Iterator[Raised]:
        """The restored database, or why there is none."""
        facts = request.fingerprint.facts if request.fingerprint else {}
        servers = programs.found(self._runner, "postgres")
        if "major" in facts:
            # Asked first: programs of an older version cannot even read the dump, which is no fault of the dump's.
            programs.server(servers, facts["major"])
        try:
            artefacts = artefacts_in(request.folder)
            major = self._major(artefacts, facts, progress)
        except SourceFailed as error:
            yield NotRaised(error.message)
            return
        wanted = ClusterRequest(
            programs=programs.server(servers, major),
            superuser=facts.get("superuser") or "postgres",
            encoding=facts.get("encoding", "UTF8"),
            locale=facts.get("collate") or "C.UTF-8",
            place=request.place,
        )
        with self._clusters.open(wanted, progress) as cluster:
            progress.phase("load")
            said = self._loaded(cluster, artefacts, progress)
            yield self._outcome(cluster, artefacts, request, said)

    def _outcome(self, cluster: Cluster, artefacts: Artefacts, request: RaiseRequest, said: Sequence[str]) -> Raised:
        if said:
            return NotRaised(f"the restore did not end clean: {told(said, 2)}")
        return RaisedDatabase(
            self._runner,
            self._secrets,
            cluster,
            artefacts.database,
            artefacts.dump,
            request.fingerprint,
            programs.found(self._runner, "pg_dump"),
        )

    def _major(self, artefacts: Artefacts, facts: Mapping[str, Any], progress: Progress) -> int:
        """The version of the server that was dumped, as the dump says and the record confirms."""
        newest = list(programs.found(self._runner, "pg_restore").values())[-1:]
        if not newest:
            raise Unavailable("pg_restore is not installed", hint="Install it (on Debian: postgresql-client).")
        done = self._runner.run(Command(argv.contents(newest[0], artefacts.dump)), progress)
        version = _DUMPED_FROM.search(done.out)
        if done.status != 0 or version is None:
            raise SourceFailed(f"the dump's table of contents cannot be read: {done.err.strip() or 'it is empty'}")
        major = int(version[1])
        if facts.get("major", major) != major:
            raise SourceFailed(f"the dump is of PostgreSQL {major}; what was backed up is {facts['major']}")
        if facts.get("database", artefacts.database) != artefacts.database:
            raise SourceFailed(f"the dump is of {artefacts.database}; what was backed up is {facts['database']}")
        return major

    def _loaded(self, cluster: Cluster, artefacts: Artefacts, progress: Progress) -> tuple[str, ...]:
        """Load globals and dump; what was said that does not belong in a clean log."""
        loader = Loader(self._runner, cluster.programs, cluster.environment("template1"), progress)
        said = loader.globals(artefacts)
        self._make_room(cluster, artefacts.database)
        if not said:
            said = self._load_dump(cluster, loader, artefacts, progress)
        if missing := next(filter(None, map(_NOT_ON_THIS_MACHINE.search, said)), None):
            what = next(f"{name} {value}" for name, value in missing.groupdict().items() if value)
            raise Unavailable(f"this machine lacks {what}, which the database needs", hint="Install it here.")
        return said or complaints(cluster.service.log())

    def _load_dump(self, cluster: Cluster, loader: Loader, artefacts: Artefacts, progress: Progress) -> tuple[str, ...]:
        """With the source's locale, as the dump itself says; with a stand-in, into a database made for it."""
        if not cluster.stands_in:
            return loader.dump(artefacts, "template1", create=True)
        self._create(cluster, artefacts.database)
        listing = self._runner.run(Command(argv.stored_schema(cluster.programs, artefacts.dump)), progress)
        said = loader.dump(artefacts, artefacts.database, create=False)
        return said or loader.sql(structure.of_the_database(listing.out))

    def _create(self, cluster: Cluster, database: str) -> None:
        from psycopg.sql import SQL, Identifier

        with connected(cluster.address, self._secrets) as connection:
            connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(database)))

    def _make_room(self, cluster: Cluster, database: str) -> None:
        """Every cluster is born with a database postgres."""
        from psycopg.sql import SQL, Identifier

        with connected(cluster.address, self._secrets) as connection:
            connection.execute(SQL("DROP DATABASE IF EXISTS {}").format(Identifier(database)))
