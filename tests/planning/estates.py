"""Random estates as domain values, and how each workload of them stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from backstay.domain.estate import Estate, FilesSource, Pattern, Policy, Target, Workload
from backstay.domain.points import RestorePoint
from backstay.domain.runs import Run, RunResult
from backstay.planning.jobs import Job
from backstay.planning.objectives import Standing, standing
from backstay.ports.catalog import Facts, Measured

NOW = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Owed(NamedTuple):
    """One workload of a random estate; `age` None: it was never backed up."""

    name: str
    rpo: timedelta = 24 * HOUR
    age: timedelta | None = HOUR
    seconds: tuple[float, ...] = (600.0,)
    failed: bool = False
    group: str | None = None
    after: tuple[str, ...] = ()


def workload(owed: Owed) -> Workload:
    policy = Policy("gold", owed.rpo)
    return Workload(owed.name, "files", FilesSource(("/srv",)), policy, group=owed.group, after=owed.after)


def estate(workloads: Iterable[Workload], workflow: Pattern = "serial") -> Estate:
    return Estate(
        "acme",
        "UTC",
        {"vault": Target("vault", "/srv/backups")},
        {},
        {x.name: x for x in workloads},
        workflow=workflow,
    )


def a_point(name: str, as_of: datetime) -> RestorePoint:
    return RestorePoint("p", "r", name, "files", "restic", "vault", "full", as_of, as_of, 1, "5afe", "n0nce", "taken")


def a_run(name: str, result: RunResult) -> Run:
    return Run("r", name, "restic", "vault", "full", NOW, "due", result=result)


def facts(name: str, *, age: timedelta | None = None, result: RunResult | None = None) -> Facts:
    return Facts(a_run(name, result) if result else None, a_point(name, NOW - age) if age is not None else None)


def stands(owed: Sequence[Owed], now: datetime = NOW) -> list[Standing]:
    return [
        standing(
            workload(x),
            facts(x.name, age=x.age, result="failed" if x.failed else "done"),
            [Measured(seconds) for seconds in x.seconds],
            now,
        )
        for x in owed
    ]


def an_estate(owed: Sequence[Owed], workflow: Pattern = "serial") -> Estate:
    return estate((workload(x) for x in owed), workflow)


def a_job(
    name: str, latest: timedelta, length: timedelta, group: str | None = None, after: tuple[str, ...] = ()
) -> Job:
    """A job that must start within `latest` from now."""
    return Job(name, "vault", "backup", NOW, NOW + length, NOW + latest, ("due",), group, after)


RPOS = st.integers(60, 3000).map(lambda minutes: timedelta(minutes=minutes))
AGES = st.none() | st.integers(0, 4000).map(lambda minutes: timedelta(minutes=minutes))
SECONDS = st.lists(st.integers(0, 7200).map(float), max_size=3).map(tuple)
GROUPS = st.sampled_from([None, None, "g", "h"])
EARLIER = st.frozensets(st.integers(1, 4), max_size=2)


@st.composite
def owed_lists(draw: st.DrawFn, *, most: int = 8, groups: bool = True, after: bool = True) -> list[Owed]:
    """Workloads w0, w1, …; each may come after earlier ones, so that there is no cycle."""
    owed = []
    for place in range(draw(st.integers(0, most))):
        group = draw(GROUPS) if groups else None
        steps = draw(EARLIER) if after else frozenset()
        before = tuple(f"w{place - step}" for step in sorted(steps) if step <= place)
        owed.append(Owed(f"w{place}", draw(RPOS), draw(AGES), draw(SECONDS), draw(st.booleans()), group, before))
    return owed


MINUTES = st.integers(0, 40).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def job_lists(draw: st.DrawFn, *, groups: bool = True, after: bool = True) -> list[Job]:
    """Up to five jobs with so little time that their order matters."""
    jobs = []
    for place in range(draw(st.integers(1, 5))):
        group = draw(GROUPS) if groups else None
        steps = draw(EARLIER) if after else frozenset()
        before = tuple(f"w{place - step}" for step in sorted(steps) if step <= place)
        jobs.append(a_job(f"w{place}", 2 * draw(MINUTES), draw(MINUTES), group, before))
    return jobs
