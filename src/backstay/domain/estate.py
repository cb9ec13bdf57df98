"""The estate: what there is to protect, what each part is owed, and where copies may lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from .errors import ConfigError
from .secrets import SecretRef

Pattern = Literal["serial", "parallel", "hybrid", "auto"]
Overrun = Literal["finish", "stop"]
Sharing = Literal["workload", "host", "target"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

LOCALHOST = "localhost"
"""What the estate file calls this machine; its workloads have no `host`."""


@dataclass(frozen=True, slots=True)
class Price:
    """What keeping and fetching a byte costs; `currency` is an ISO 4217 code."""

    store_per_gb_month: float | None = None
    egress_per_gb: float | None = None
    currency: str = "EUR"


@dataclass(frozen=True, slots=True)
class Target:
    """A place for copies: an absolute path or a URL. Rates are bytes per second, capacity bytes."""

    name: str
    url: str
    credentials: SecretRef | None = None
    password: SecretRef | None = None
    write: int | None = None
    read: int | None = None
    slots: int | None = None
    capacity: int | None = None
    region: str | None = None
    append_only: bool = False
    lock: timedelta | None = None
    price: Price | None = None
    repositories: Sharing = "workload"

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of this machine, which engines here write to by themselves."""
        return self.url.startswith("/")


@dataclass(frozen=True, slots=True)
class Host:
    """A machine with workloads, at `ssh://user@host:port` (user and port may be missing); `read` is the most bytes per
    second that backups may read there."""

    name: str
    address: str
    read: int | None = None
    slots: int | None = None


@dataclass(frozen=True, slots=True)
class Here:
    """This machine: the most bytes per second that backups may read here, and how many jobs may run at once."""

    read: int | None = None
    slots: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A shared way to the targets and hosts that it `reaches`, in bytes per second.

    `hours` maps parts of the day, local "HH:MM-HH:MM" that do not overlap, to another capacity; 0 closes it then.
    `leave` is the part of whatever it carries that backups never ask for, 0 to 0.9. With a tenth, headers take half of
    that, and the round trips on a link that is filled are no longer those of a quiet one (measured on 23 Mbit/s: 26 ms
    at p99 at 0.94, 86 ms at 0.99, quiet 22).
    """

    name: str
    capacity: int
    hours: Mapping[str, int] = field(default_factory=dict)
    reaches: tuple[str, ...] = ()
    leave: float = 0.1


@dataclass(frozen=True, slots=True)
class Pool:
    """Slots shared by the workloads of some kinds; `batch` starts that many together."""

    name: str
    slots: int
    batch: int | None = None
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """When work may run, as local "HH:MM"; it may cross midnight. `days` are those on which it opens, all if empty."""

    name: str
    open: str
    close: str
    overrun: Overrun = "finish"
    days: tuple[Weekday, ...] = ()


@dataclass(frozen=True, slots=True)
class Blackout:
    """When no work may start, inside a window or not.

    Either each day in `hours`, "HH:MM-HH:MM" that may cross midnight, on the `days` on which it begins (all if empty);
    or once, from `begin` to `end`. All are local to the estate's time zone, so that the two moments carry none.
    """

    name: str
    hours: str | None = None
    days: tuple[Weekday, ...] = ()
    begin: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """Retention. Rules are OR-ed; all None keeps everything."""

    within: timedelta | None = None
    last: int | None = None
    hourly: int | None = None
    daily: int | None = None
    weekly: int | None = None
    monthly: int | None = None
    yearly: int | None = None


@dataclass(frozen=True, slots=True)
class Require:
    """Duties from outside: encryption, allowed regions, and when every copy must be gone."""

    encryption: bool = True
    regions: tuple[str, ...] = ()
    delete_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a workload is owed. `copies` are target names, the first being the one written from the source."""

    name: str
    rpo: timedelta
    rto: timedelta | None = None
    keep: Keep = Keep()
    copies: tuple[str, ...] = ()
    verify: timedelta | None = None
    drill: timedelta | None = None
    window: str | None = None
    require: Require = Require()


@dataclass(frozen=True, slots=True)
class Exemption:
    """Why a workload is not backed up, and until when that holds."""

    reason: str
    review_by: date


@dataclass(frozen=True, slots=True)
class Plausible:
    """How far a source may shrink between two backups; `empty` allows an empty source."""

    shrink: float = 0.5
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the user's own about restored data (level L7); exactly one of the three is set.

    `query`: SQL whose single value must equal `expect`. `command`: must exit 0 in the restored folder.
    `checksum`: a path in the restored folder whose SHA-256 must equal `expect`.
    """

    name: str
    query: str | None = None
    command: tuple[str, ...] | None = None
    checksum: str | None = None
    expect: str | None = None


@dataclass(frozen=True, slots=True)
class FilesSource:
    """Directory trees or files, by absolute path, less what `exclude` matches (restic's pattern language)."""

    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DatabaseSource:
    """One PostgreSQL or MariaDB database, by an address without password or a reference to a whole one."""

    dsn: SecretRef | str


@dataclass(frozen=True, slots=True)
class SqliteSource:
    """One SQLite database file."""

    path: str


@dataclass(frozen=True, slots=True)
class CommandSource:
    """What a command writes to its standard output, kept under `file_name`."""

    command: tuple[str, ...]
    file_name: str


@dataclass(frozen=True, slots=True)
class LaterSource:
    """A kind that the grammar knows and this version does not back up yet; `settings` as written."""

    settings: Mapping[str, Any]


Source = FilesSource | DatabaseSource | SqliteSource | CommandSource | LaterSource


@dataclass(frozen=True, slots=True)
class Workload:
    """What is protected. `policy` is None exactly when `exempt` is set."""

    name: str
    kind: str
    source: Source
    policy: Policy | None
    engine: str = "restic"
    host: str | None = None
    group: str | None = None
    after: tuple[str, ...] = ()
    exempt: Exemption | None = None
    plausible: Plausible = Plausible()
    allow_unreadable: bool = False
    ask: tuple[Question, ...] = ()

    @property
    def owed(self) -> Policy:
        """Its policy; a ConfigError for an exempt workload, which is owed nothing."""
        if self.policy is None:
            raise ConfigError(f"{self.name} is exempt and has no policy", subject=self.name)
        return self.policy


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything one estate file says, with its defaults filled in."""

    name: str
    timezone: str
    targets: Mapping[str, Target]
    policies: Mapping[str, Policy]
    workloads: Mapping[str, Workload]
    workflow: Pattern = "auto"
    catalog: SecretRef | Literal["sqlite"] = "sqlite"
    here: Here = Here()
    hosts: Mapping[str, Host] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    pools: Mapping[str, Pool] = field(default_factory=dict)
    windows: Mapping[str, Window] = field(default_factory=dict)
    blackouts: Mapping[str, Blackout] = field(default_factory=dict)
    job_share: float = 0.5

    def target_of(self, workload: Workload) -> Target:
        """Where the copy from the source goes: the policy's first copy, else the only or first target."""
        copies = workload.owed.copies
        return self.targets[copies[0]] if copies else next(iter(self.targets.values()))
