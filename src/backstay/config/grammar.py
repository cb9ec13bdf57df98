"""The grammar of the estate file, outside its workloads: every key, its format, its default and its meaning."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backstay.domain.estate import Weekday
from backstay.domain.spans import span_text

from .nodes import Path
from .written import (
    Cadence,
    Count,
    Currency,
    Flag,
    Hours,
    Moment,
    Name,
    PerGb,
    PerGbMonth,
    Place,
    Rate,
    RateOrZero,
    Reference,
    Size,
    Span,
    SparedShare,
    SshAddress,
    TimeOfDay,
)

_MOST_HOURS = 8_760_000  # a thousand years; a count may be larger than any span

KindName = Literal["files", "postgresql", "mariadb", "sqlite", "redis", "disk_image", "command", "foreign"]


class Misplaced(ValueError):
    """Values that do not fit together; `at` leads from the section to the one to change."""

    def __init__(self, problem: str, *at: str) -> None:
        super().__init__(problem)
        self.at: Path = at


class Section(BaseModel):
    """Keys that belong together; unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class PriceSection(Section):
    """What a target costs."""

    store: PerGbMonth | None = Field(default=None, description="what keeping costs")
    egress: PerGb | None = Field(default=None, description="what fetching costs")
    currency: Currency = Field(default="EUR", description="the currency of both")


class TargetSection(Section):
    """A place for copies."""

    url: Place = Field(description="where it lies")
    credentials: Reference | None = Field(default=None, description="what opens the place itself")
    password: Reference | None = Field(
        default=None, description="the repositories' key; without it, one is made for each"
    )
    write: Rate | None = Field(default=None, description="the most that backups may write there")
    read: Rate | None = Field(default=None, description="the most that restores and copies may read there")
    slots: Count | None = Field(default=None, description="how many jobs may use it at once")
    capacity: Size | None = Field(default=None, description="how much it holds")
    region: Name | None = Field(default=None, description="where in the world it stands")
    append_only: Flag = Field(default=False, description="whether the place refuses deletion from here")
    lock: Span | None = Field(default=None, description="how long the place refuses deletion of what is new")
    price: PriceSection | None = Field(default=None, description="what it costs")
    repositories: Literal["workload", "host", "target"] = Field(
        default="workload", description="one repository for each workload, for each host, or for all"
    )


class HostSection(Section):
    """A machine with workloads. The one called `localhost` is this machine, where workloads without `host` are."""

    address: SshAddress | None = Field(
        default=None, description="how it is reached; must be there, except for `localhost`"
    )
    read: Rate | None = Field(default=None, description="the most that backups may read there")
    slots: Count | None = Field(default=None, description="how many jobs may run there at once")


class LinkSection(Section):
    """A line that several jobs share. It must reach something."""

    capacity: Rate = Field(description="how much it carries")
    hours: dict[Hours, RateOrZero] = Field(
        default={}, description="how much it carries in parts of the day, which must not overlap; `0MB/s` closes it"
    )
    reaches: tuple[Name, ...] = Field(
        default=(), description="the targets and hosts behind it; must name one. What goes to or comes from them passes"
    )
    leave: SparedShare = Field(
        default=0.1, description="the part of what it carries, at any hour, that backups leave to production"
    )


class PoolSection(Section):
    """Slots that workloads of some kinds share."""

    slots: Count = Field(description="how many of them may run at once")
    batch: Count | None = Field(default=None, description="how many of them start together")
    kinds: tuple[KindName, ...] = Field(default=(), description="which kinds; some workload must be of one")


Days = Annotated[tuple[Weekday, ...], Field(min_length=1)]


class WindowSection(Section):
    """When work may run. It may cross midnight.

    It follows the clock on the wall: where clocks are put forward, the time that is left out is no part of it; where
    they are put back, time that comes twice is part of it twice, and still of one and the same night.
    An RPO shorter than the time for which a window stays closed is met outside it, and each run says so.
    """

    open: TimeOfDay = Field(description="when it opens")
    close: TimeOfDay = Field(description="when it closes; not when it opens: for work at any time, name no window")
    days: Days = Field(default=(), description="the days on which it opens")
    overrun: Literal["finish", "stop"] = Field(
        default="finish", description="what happens to work that is not done by then"
    )

    @model_validator(mode="after")
    def _opens(self) -> Self:
        if self.open == self.close:
            raise Misplaced(
                f"never opens: it closes at {self.close}, when it opens; write another time, or name no window", "close"
            )
        return self


class BlackoutSection(Section):
    """When no work starts, in a window or not, whatever its RPO. What runs then ends as its window's `overrun` says.

    Write `hours` for a part of each day, or `begin` and `end` for once.
    """

    hours: Hours | None = Field(default=None, description="a part of the day; it may cross midnight")
    days: Days = Field(default=(), description="the days on which `hours` begin")
    begin: Moment | None = Field(default=None, description="when it begins")
    end: Moment | None = Field(default=None, description="when it ends")

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        once = (self.begin, self.end)
        if (self.hours is None) == (once == (None, None)):
            raise Misplaced("is a part of each day or happens once; write hours, or begin and end")
        if self.hours is None and self.days:
            raise Misplaced("mean nothing to what happens once; write hours, or take days out", "days")
        if self.hours is None and None in once:
            raise Misplaced(f"needs '{'begin' if self.begin is None else 'end'}' beside the other")
        if self.begin and self.end and self.begin >= self.end:
            raise Misplaced("is not after begin; write a later moment", "end")
        return self


class KeepSection(Section):
    """How long restore points stay. A point stays if any rule keeps it; without `keep`, all stay."""

    within: Span | None = Field(default=None, description="every point younger than this")
    last: Count | None = Field(default=None, description="so many of the newest")
    hourly: Count | None = Field(default=None, description="the newest of each hour, for so many hours")
    daily: Count | None = Field(default=None, description="the newest of each day, for so many days")
    weekly: Count | None = Field(default=None, description="the newest of each week, for so many weeks")
    monthly: Count | None = Field(default=None, description="the newest of each month, for so many months")
    yearly: Count | None = Field(default=None, description="the newest of each year, for so many years")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise Misplaced("says nothing; write daily: 30, or leave it out to keep everything")
        return self


class RequireSection(Section):
    """Duties from outside."""

    encryption: Flag = Field(default=True, description="whether copies must be encrypted")
    regions: tuple[Name, ...] = Field(default=(), description="the only regions where copies may lie")
    delete_after: Span | None = Field(default=None, description="when every copy must be gone")


class PolicySection(Section):
    """What a workload is owed."""

    rpo: Span = Field(description="how much time of data may be lost")
    rto: Span | None = Field(default=None, description="how long a restore may take")
    keep: KeepSection | None = Field(default=None, description="how long restore points stay")
    copies: tuple[Name, ...] = Field(
        default=(), description="the targets of its copies, the first taken from the source"
    )
    verify: Cadence | None = Field(default=None, description="how often stored bytes are checked")
    drill: Cadence | None = Field(default=None, description="how often a restore is proven")
    window: Name | None = Field(default=None, description="the window for what can wait")
    require: RequireSection = Field(default=RequireSection(), description="duties from outside")

    @model_validator(mode="after")
    def _keeps_what_it_may(self) -> Self:
        limit = self.require.delete_after
        if limit is None:
            return self
        if limit <= self.rpo:
            raise _conflict(limit, f"rpo, which leaves {span_text(self.rpo)} between points")
        for rule, reach in _reaches(self.keep) if self.keep else ():
            if reach > limit:
                raise _conflict(limit, f"keep.{rule}, which keeps points for {span_text(reach)}")
        return self


def _conflict(limit: timedelta, with_what: str) -> Misplaced:
    return Misplaced(f"{span_text(limit)} is in conflict with {with_what}", "require", "delete_after")


def _reaches(keep: KeepSection) -> list[tuple[str, timedelta]]:
    """How far back each rule keeps points at least. `last` reaches no certain span."""
    hours = {"hourly": 1, "daily": 24, "weekly": 7 * 24, "monthly": 30 * 24, "yearly": 365 * 24}
    counts = {rule: getattr(keep, rule) for rule in hours}
    within = [("within", keep.within)] if keep.within else []
    return within + [
        (rule, timedelta(hours=min(count * hours[rule], _MOST_HOURS))) for rule, count in counts.items() if count
    ]
