"""Bringing a dump and its globals into a server, and reading what the tools said about it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from backstay.domain.errors import SourceFailed
from backstay.domain.secrets import Secret
from backstay.ports.progress import Progress
from backstay.ports.runner import Command, Runner

from . import argv

_TABLESPACE = re.compile(
    rb"^(CREATE|ALTER|COMMENT ON|SECURITY LABEL.* ON) TABLESPACE |^(GRANT|REVOKE) .* ON TABLESPACE "
)
_COMPLAINT = re.compile(r"\b(WARNING|ERROR|FATAL|PANIC):\s|\b(warning|error|fatal):\s")

_BELONG_IN_A_CLEAN_LOG = re.compile(
    r'role ".*" already exists$'  # the account that the cluster was made with
    r'|"?wal_level"? is insufficient to publish logical changes'  # publications are kept; nobody subscribes to a drill
    "|tables were not subscribed|subscription was created, but is not connected"  # which is on purpose
    "|the database system is starting up|not yet accepting connections"  # we asked before it was ready
)


@dataclass(frozen=True, slots=True)
class Artefacts:
    """What a restored folder holds."""

    globals_file: str
    dump: str

    @property
    def database(self) -> str:
        return argv.database_of(os.path.basename(self.dump))


@dataclass(frozen=True, slots=True)
class Loader:
    """PostgreSQL's own tools against one server, reached by `environment`. Complaints are lines, not exceptions."""

    runner: Runner
    programs: str
    environment: Mapping[str, str | Secret]
    progress: Progress

    def globals(self, artefacts: Artefacts, keeping: str | None = None) -> tuple[str, ...]:
        """Load roles and memberships; the role `keeping` stays as it is, so that it can log in again.

        Tablespaces are left out: they name folders of the source's machine.
        """
        left_out = _TABLESPACE if keeping is None else re.compile(_TABLESPACE.pattern + b"|" + _altering(keeping))
        said = self.sql(_without(artefacts.globals_file, left_out))
        return tuple(f"{argv.GLOBALS}: {line}" for line in said)

    def sql(self, text: Iterable[bytes]) -> tuple[str, ...]:
        """Run all of it, whatever fails."""
        done = self.runner.run(Command(argv.sql(self.programs), env=self.environment), self.progress, feed=text)
        told = complaints(done.err)
        return told if told or done.status == 0 else (f"psql ended with status {done.status}",)

    def dump(self, artefacts: Artefacts, database: str, *, create: bool) -> tuple[str, ...]:
        """Load the dump: into the database it names (`create`), or into `database`."""
        command = argv.restore(self.programs, artefacts.dump, database, create=create)
        done = self.runner.run(Command(command, env=self.environment), self.progress)
        told = complaints(done.err)
        return told if told or done.status == 0 else (f"pg_restore ended with status {done.status}",)


def artefacts_in(folder: str) -> Artefacts:
    """SourceFailed if a part is missing, or there are several dumps."""
    names = sorted(os.listdir(folder))
    dumps = [name for name in names if name.endswith(argv.SUFFIX)]
    if len(dumps) != 1 or argv.GLOBALS not in names:
        raise SourceFailed(
            f"{folder} should hold {argv.GLOBALS} and one dump; it holds {', '.join(names) or 'nothing'}"
        )
    return Artefacts(os.path.join(folder, argv.GLOBALS), os.path.join(folder, dumps[0]))


def complaints(log: str) -> tuple[str, ...]:
    """The lines of a tool's or a server's log that do not belong in a clean one.

    >>> complaints("NOTICE:  fine" + chr(10) + "pg_restore: error: could not read")
    ('pg_restore: error: could not read',)
    """
    return tuple(
        line.strip()
        for line in log.splitlines()
        if _COMPLAINT.search(line) and not _BELONG_IN_A_CLEAN_LOG.search(line.rstrip())
    )


def _altering(role: str) -> bytes:
    quoted = role.replace('"', '""')
    return f'^ALTER ROLE ({re.escape(role)}|"{re.escape(quoted)}") WITH '.encode()


def _without(path: str, left_out: re.Pattern[bytes]) -> Iterator[bytes]:
    with open(path, "rb") as lines:
        for line in lines:
            if not left_out.match(line):
                yield line
