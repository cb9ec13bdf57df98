"""The kind `postgresql`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from backstay.domain.errors import EngineFailed, Refused
from backstay.domain.estate import DatabaseSource, Workload
from backstay.domain.runs import Amount
from backstay.domain.secrets import SecretRef
from backstay.ports.clock import Clock
from backstay.ports.kind import Held, HoldRequest, Look, Raised, RaiseRequest
from backstay.ports.places import Places
from backstay.ports.progress import Progress
from backstay.ports.runner import Runner
from backstay.ports.secrets import Secrets

from . import argv, facts, programs, rows
from .address import address_of, child_environment, connected, resolved
from .held import Stager
from .loading import Loader, artefacts_in
from .raising import Raiser


class PostgresqlKind:
    """One database of a PostgreSQL server, and the roles that it needs."""

    def __init__(self, runner: Runner, secrets: Secrets, places: Places, clock: Clock) -> None:
        self._runner = runner
        self._secrets = secrets
        self._places = places
        self._clock = clock

    @property
    def name(self) -> str:
        return "postgresql"

    @property
    def sealed(self) -> bool:
        return True

    def look(self, workload: Workload, progress: Progress) -> Look:
        with connected(address_of(workload, self._secrets), self._secrets) as connection:
            server = facts.facts_of(connection)
            facts.require_readable(connection)
            _, not_compared = rows.tables(connection)
            return Look(
                Amount(bytes=server.database_bytes, items=facts.estimated_rows(connection)),
                version=f"PostgreSQL {server.version}",
                findings=facts.findings(connection, workload.name, not_compared),
            )

    @contextmanager
    def hold(self, request: HoldRequest, progress: Progress) -> Iterator[Held]:
        yield Stager(self._runner, self._secrets, self._clock).stage(request, progress)

    def raise_elsewhere(self, request: RaiseRequest, progress: Progress) -> AbstractContextManager[Raised]:
        return Raiser(self._runner, self._secrets, self._places, self._clock).raised(request, progress)

    def runbook(self, workload: Workload, folder: str) -> tuple[str, ...]:
        """Lines for a new, empty server of the same version, reached as its superuser by PGHOST and its kin."""
        globals_file = shlex.quote(os.path.join(folder, argv.GLOBALS))
        # A restored folder holds one dump; its name would only be known from an address that may be a secret.
        dump = f"{shlex.quote(folder)}/*{argv.SUFFIX}"
        into = "--dbname=postgres" if _is_postgres(workload, self._secrets) else "--create --dbname=template1"
        return (
            f"psql --no-psqlrc --dbname=template1 --file={globals_file}",
            f"pg_restore --jobs=2 --exit-on-error --no-tablespaces {into} {dump}",
        )

    def load(
        self, workload: Workload, folder: str, dsn: SecretRef | str, progress: Progress, *, with_globals: bool = True
    ) -> None:
        """Load restored artefacts into the empty database that `dsn` reaches. Refused if it has tables of users."""
        address = resolved(dsn, self._secrets)
        artefacts = artefacts_in(folder)
        with connected(address, self._secrets) as connection:
            server = facts.facts_of(connection)
            compared, others = rows.tables(connection)
            if compared or others:
                raise Refused(
                    f"{address} is not empty: it holds {len(compared) + len(others)} tables",
                    subject=workload.name,
                    hint="Make a new database, and load into that one.",
                )
            environment, user = child_environment(connection), connection.info.user
        _, folder_of_programs = programs.dumper(programs.found(self._runner, "pg_restore"), server.major)
        loader = Loader(self._runner, folder_of_programs, environment, progress)
        progress.phase("load")
        said = loader.globals(artefacts, keeping=user) if with_globals else ()
        said = said or loader.dump(artefacts, server.database, create=False)
        if said:
            raise EngineFailed(f"loading into {address} did not end clean: {said[0]}", subject=workload.name)


def _is_postgres(workload: Workload, secrets: Secrets) -> bool:
    """Whether the database is known to be the one that every cluster is born with, which cannot be created again."""
    source = workload.source
    if not isinstance(source, DatabaseSource) or isinstance(source.dsn, SecretRef):
        return False
    return resolved(source.dsn, secrets).keywords.get("dbname") == "postgres"
