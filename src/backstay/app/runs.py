"""`run`, `cancel`, `runs`, `log`: ask for backups, follow them, stop them, look back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ulid import ULID

from backstay.domain.errors import BackstayError, Cancelled, ConfigError, ExitCode, NotAdmitted, Refused, Unavailable
from backstay.domain.estate import Workload
from backstay.domain.points import RestorePoint
from backstay.domain.runs import Run, RunNote
from backstay.domain.secrets import SecretRef
from backstay.planning.jobs import Job
from backstay.planning.plan import plan_now

from .executing import sweep_all, work
from .standing import standings
from .views import RunView, run_view
from .watching import Watch
from .wiring import Opened, adapters, key_path, location_of, require_workloads


def run(
    house: Opened, watch: Watch, names: tuple[str, ...], *, everything: bool = False, target: str | None = None
) -> tuple[RunView, ...]:
    """Take restore points of the named workloads, of all, or of what is due; returns when they have ended.

    Another program that holds this estate does the work, and is followed; if it dies, this one goes on.
    """
    began = house.clock.now()
    jobs = _jobs(house, names, everything)
    if target is not None and target not in house.estate.targets:
        raise ConfigError(
            f"no target is called {target}", subject=target, hint=f"There are: {', '.join(house.estate.targets)}."
        )
    by_name = bool(names) or everything
    wanted = requested(house, jobs, target, since=None if by_name else began)
    if not by_name:
        wanted += _begun(house, wanted)
    work(house, watch, [run.run_id for run in wanted])
    return tuple(_view(house, run.run_id) for run in wanted)


def _begun(house: Opened, wanted: Sequence[Run]) -> list[Run]:
    """Runs whose program died before their end: they are due, whatever the clock says."""
    if house.lock.holder() is not None:
        return []
    known = {run.run_id for run in wanted}
    return [run for run in reversed(house.catalog.runs(open_only=True)) if run.run_id not in known]


def _jobs(house: Opened, names: tuple[str, ...], everything: bool) -> Sequence[Job]:
    workloads = require_workloads(house.estate, names)
    exempt = [workload.name for workload in workloads if workload.exempt]
    if exempt:
        raise Refused(f"{exempt[0]} is exempt from backup", subject=exempt[0], hint="Take `exempt` off it first.")
    asked = _asked(house, workloads, everything)
    return plan_now(house.estate, standings(house), house.clock.now(), asked=asked).jobs


def _asked(house: Opened, workloads: tuple[Workload, ...], everything: bool) -> set[str] | None:
    if everything:
        return set(house.estate.workloads)
    return {workload.name for workload in workloads} or None


def requested(
    house: Opened, jobs: Sequence[Job], target: str | None = None, *, since: datetime | None = None
) -> list[Run]:
    """The runs that answer these jobs: one that is open for the same workload and target, or that others asked for
    `since` we looked at what is due, is joined, not doubled."""
    now = house.clock.now()
    return [
        house.catalog.ask_for(
            Run(
                run_id=str(ULID()),
                workload=job.workload,
                engine=house.estate.workloads[job.workload].engine,
                target=target or job.target,
                level="full",
                requested_at=now,
                reason="; ".join(job.reasons),
                start_by=job.start_by,
                stop_at=job.stop_at,
            ),
            since,
        )
        for job in jobs
    ]


def exit_code(views: Sequence[RunView]) -> ExitCode:
    """0 if all are good, 3 if some are; else what the failures have in common."""
    bad = [view for view in views if view.result != "done"]
    if not bad:
        return ExitCode.GOOD
    codes = {view.error["code"] if view.error else "incomplete" for view in bad}
    if "damaged" in codes:
        return ExitCode.DAMAGED
    if len(bad) < len(views):
        return ExitCode.PARTLY
    return ExitCode.UNAVAILABLE if codes <= {Unavailable.code, NotAdmitted.code} else ExitCode.FAILED


def cancel(house: Opened, watch: Watch, run_id: str) -> RunView:
    """Stop a run. One that nobody executes ends here and now, and leaves nothing."""
    found = _found(house, run_id)
    if not house.catalog.request_cancel(found.run_id):
        raise Refused(f"run {found.run_id} has ended: {found.result}", subject=found.run_id)
    if house.lock.try_acquire():
        try:
            sweep_all(house)
            _abandon(house, watch, found.run_id)
        finally:
            house.lock.release()
    return _view(house, found.run_id)


def _abandon(house: Opened, watch: Watch, run_id: str) -> None:
    from backstay.flows.backup import BackupFlow

    BackupFlow(adapters(house, watch)).abandon(run_id, Cancelled("stopped by request", subject=run_id))


def runs(house: Opened, names: tuple[str, ...], limit: int) -> tuple[RunView, ...]:
    """History, newest first."""
    require_workloads(house.estate, names)
    alive = house.lock.holder() is not None
    found = [run for name in names or (None,) for run in house.catalog.runs(workload=name, limit=limit)]
    newest = sorted(found, key=lambda run: run.requested_at, reverse=True)
    return tuple(run_view(run, executor_alive=alive) for run in newest[:limit])


@dataclass(frozen=True, slots=True)
class LogView:
    """A run, the redacted lines of its log, and how to restore its point with stock tools alone."""

    run: RunView
    lines: tuple[RunNote, ...]
    by_hand: tuple[str, ...]


def log(house: Opened, watch: Watch, run_id: str) -> LogView:
    """What a run did. `by_hand` is empty if the run left no point, or its workload is not in the file any more."""
    found = _found(house, run_id)
    point = house.catalog.point_of_run(found.run_id)
    lines = tuple(house.catalog.notes(found.run_id))
    known = point is not None and point.workload in house.estate.workloads and point.target in house.estate.targets
    return LogView(_view(house, found.run_id), lines, by_hand(house, watch, point) if point and known else ())


def by_hand(house: Opened, watch: Watch, point: RestorePoint, into: str = "DIR") -> tuple[str, ...]:
    """Shell lines that restore a point without Backstay: out of the repository, then into place."""
    workload, target = house.estate.workloads[point.workload], house.estate.targets[point.target]
    outside = adapters(house, watch)
    location = location_of(house, target, point.engine, workload.name)
    key = target.password or SecretRef("file", key_path(house, target, point.engine, workload.name))
    return (
        *outside.engine(point.engine).runbook(location, key, point.snapshot, into),
        *outside.kind(workload).runbook(workload, into),
    )


def _found(house: Opened, prefix: str) -> Run:
    exact = house.catalog.run(prefix)
    if exact is not None:
        return exact
    matching = [run for run in house.catalog.runs() if run.run_id.startswith(prefix.upper())]
    if len(matching) != 1:
        found = "no run begins" if not matching else f"{len(matching)} runs begin"
        raise ConfigError(f"{found} with {prefix}", subject=prefix, hint="See backstay runs.")
    return matching[0]


def _view(house: Opened, run_id: str) -> RunView:
    run = house.catalog.run(run_id)
    if run is None:
        raise BackstayError(f"run {run_id} is gone from the catalog", subject=run_id)
    return run_view(run, executor_alive=house.lock.holder() is not None)
