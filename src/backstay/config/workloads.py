"""The grammar of workloads: what all have, and what each kind is pointed at."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from .grammar import Misplaced, Section
from .values import SHA256
from .written import AbsolutePath, Database, Day, FileName, Flag, Name, NetworkAddress, Place, Reference, Share, Text


class ExemptSection(Section):
    """Why a workload is not backed up."""

    reason: Text = Field(description="the reason, for whoever asks")
    review_by: Day = Field(description="the day when this is looked at again")


class PlausibleSection(Section):
    """How a source may change between two backups before the run counts as failed."""

    shrink: Share = Field(default=0.5, description="how much smaller it may get")
    empty: Flag = Field(default=False, description="whether it may be empty")


class QuestionSection(Section):
    """A question about restored data: a query, a command or a checksum."""

    name: Text | None = Field(default=None, description="what reports call it; without it, its number")
    query: Text | None = Field(default=None, description="SQL with one value, which must equal `expect`")
    command: Annotated[tuple[Text, ...], Field(min_length=1)] | None = Field(
        default=None, description="a program that must end with status 0 in the restored folder"
    )
    checksum: Text | None = Field(
        default=None, description="a path in the restored folder whose SHA-256 must equal `expect`"
    )
    expect: Text | None = Field(default=None, description="what a query or a checksum must give")

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        asked = [key for key in ("query", "command", "checksum") if getattr(self, key) is not None]
        if len(asked) != 1:
            raise Misplaced("asks one thing: query, command or checksum")
        if self.command is not None and self.expect is not None:
            raise Misplaced("means nothing to a command; its exit status counts", "expect")
        if self.command is None and self.expect is None:
            raise Misplaced(f"needs 'expect', what the {asked[0]} must give")
        if self.checksum is not None and re.fullmatch(SHA256, self.expect or "") is None:
            raise Misplaced("is not a SHA-256; write its 64 hexadecimal digits", "expect")
        return self


class WorkloadSection(Section):
    """What is protected. `policy` or `exempt` must stand there, and never both."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["policy"]}, {"required": ["exempt"]}]},
    )
    answers_queries: ClassVar[bool] = False

    policy: Name | None = Field(default=None, description="what it is owed")
    exempt: ExemptSection | None = Field(default=None, description="why it is owed nothing")
    host: Name | None = Field(default=None, description="the machine it lives on; without it, this one")
    group: Name | None = Field(default=None, description="workloads of one group are taken close together")
    after: tuple[Name, ...] = Field(default=(), description="workloads that are taken before it")
    plausible: PlausibleSection = Field(
        default=PlausibleSection(), description="how far it may change between two backups"
    )
    allow_unreadable: Flag = Field(default=False, description="whether a point counts although parts could not be read")
    ask: tuple[QuestionSection, ...] = Field(default=(), description="your own questions about restored data")

    @model_validator(mode="after")
    def _is_owed_or_exempt(self) -> Self:
        if self.policy is None and self.exempt is None:
            raise Misplaced("has no policy; write policy, or exempt with a reason")
        if self.policy is not None and self.exempt is not None:
            raise Misplaced("stands beside a policy; a workload is owed something or it is exempt", "exempt")
        return self

    @model_validator(mode="after")
    def _answers_its_questions(self) -> Self:
        if not self.answers_queries and any(question.query for question in self.ask):
            raise Misplaced("asks a query, which only databases answer; ask by command or checksum", "ask")
        return self


_ENGINE = "the tool that moves and keeps the bytes"
StreamEngine = Literal["restic", "archive"]


class FilesWorkload(WorkloadSection):
    """Directory trees and files."""

    kind: Literal["files"] = Field(description="what it is")
    engine: StreamEngine = Field(default="restic", description=_ENGINE)
    paths: Annotated[tuple[AbsolutePath, ...], Field(min_length=1)] = Field(description="what to copy")
    exclude: tuple[Text, ...] = Field(default=(), description="patterns of what to leave out, in restic's language")


class PostgresqlWorkload(WorkloadSection):
    """A PostgreSQL database."""

    answers_queries = True
    kind: Literal["postgresql"] = Field(description="what it is")
    engine: Literal["restic", "archive", "native", "pgbackrest"] = Field(default="restic", description=_ENGINE)
    dsn: Database = Field(description="its address")


class MariadbWorkload(WorkloadSection):
    """A MariaDB or MySQL database."""

    answers_queries = True
    kind: Literal["mariadb"] = Field(description="what it is")
    engine: Literal["restic", "archive", "native", "mariabackup"] = Field(default="restic", description=_ENGINE)
    dsn: Database = Field(description="its address")


class SqliteWorkload(WorkloadSection):
    """A SQLite database file."""

    answers_queries = True
    kind: Literal["sqlite"] = Field(description="what it is")
    engine: StreamEngine = Field(default="restic", description=_ENGINE)
    path: AbsolutePath = Field(description="the file")


class RedisWorkload(WorkloadSection):
    """A Redis server."""

    kind: Literal["redis"] = Field(description="what it is")
    engine: StreamEngine = Field(default="restic", description=_ENGINE)
    address: NetworkAddress = Field(description="where it listens")
    password: Reference | None = Field(default=None, description="what it asks for")


class DiskImageWorkload(WorkloadSection):
    """A virtual machine's disks, under QEMU."""

    kind: Literal["disk_image"] = Field(description="what it is")
    engine: Literal["restic", "archive", "native"] = Field(default="restic", description=_ENGINE)
    qmp: AbsolutePath | None = Field(
        default=None, description="the machine's QMP socket; without it, the machine is off"
    )
    disks: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(description="its disks, by path or device")


class CommandWorkload(WorkloadSection):
    """What a command writes to its standard output."""

    kind: Literal["command"] = Field(description="what it is")
    engine: StreamEngine = Field(default="restic", description=_ENGINE)
    command: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(description="the program and its arguments")
    file_name: FileName = Field(description="the name that its output is kept under")


class ForeignWorkload(WorkloadSection):
    """A repository that something else fills. Only read."""

    kind: Literal["foreign"] = Field(description="what it is")
    url: Place = Field(description="where the repository lies")
    format: Literal["restic", "borg", "pgbackrest", "barman"] = Field(description="what made it")
    password: Reference | None = Field(default=None, description="what opens it")

    @property
    def engine(self) -> str:
        return self.format


OneWorkload = (
    FilesWorkload
    | PostgresqlWorkload
    | MariadbWorkload
    | SqliteWorkload
    | RedisWorkload
    | DiskImageWorkload
    | CommandWorkload
    | ForeignWorkload
)
AnyWorkload = Annotated[OneWorkload, Field(discriminator="kind")]

KINDS: dict[str, type[WorkloadSection]] = {
    "files": FilesWorkload,
    "postgresql": PostgresqlWorkload,
    "mariadb": MariadbWorkload,
    "sqlite": SqliteWorkload,
    "redis": RedisWorkload,
    "disk_image": DiskImageWorkload,
    "command": CommandWorkload,
    "foreign": ForeignWorkload,
}
