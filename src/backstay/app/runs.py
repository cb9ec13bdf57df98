"""`run`, `cancel`, `runs`, `log`: ask for backups, follow them, stop them, look back."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ulid import ULID

from backstay.domain.errors import BackstayError, ConfigError, ExitCode, Refused
from backstay.domain.estate import Workload
from backstay.domain.points import RestorePoint
from backstay.domain.runs import ErrorRecord, Run, RunNote
from backstay.domain.secrets import Secret, SecretRef
from backstay.planning.jobs import Job
from backstay.planning.plan import lanes_for, plan_now
from backstay.ports.workflows import Workflows
from backstay.targets.stores import store_for

from .standing import standings
from .views import RunView, run_view
from .watching import Watch
from .wiring import Opened, adapters, catalog_address, key_path, require_workloads

LOOK_S = 0.1
"""Between two looks at the runs that are followed."""

GIVE_UP_LOOK_S = 5.0
"""Between two looks for runs that the runtime has given up."""


def run(
    house: Opened, watch: Watch, names: tuple[str, ...], *, everything: bool = False, target: str | None = None
) -> tuple[RunView, ...]:
    """Take restore points of the named workloads, of all, or of what is due; returns when they have ended.

    Another program that holds this estate does the work, and is followed; if it dies, this one goes on.
    """
    jobs = _jobs(house, names, everything)
    if target is not None and target not in house.estate.targets:
        raise ConfigError(
            f"no target is called {target}", subject=target, hint=f"There are: {', '.join(house.estate.targets)}."
        )
    wanted = _requested(house, jobs, target)
    try:
        _work(house, watch, [run.run_id for run in wanted])
    except KeyboardInterrupt:
        for each in wanted:
            house.catalog.request_cancel(each.run_id)
        watch.interrupted.set()
        raise
    return tuple(_view(house, run.run_id) for run in wanted)


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


def _requested(house: Opened, jobs: Sequence[Job], target: str | None) -> list[Run]:
    """The runs that answer these jobs: one that is open for the same workload and target is joined, not doubled."""
    now = house.clock.now()
    open_runs = {(run.workload, run.target): run for run in house.catalog.runs(open_only=True)}
    wanted = []
    for job in jobs:
        place = target or job.target
        known = open_runs.get((job.workload, place))
        wanted.append(
            known
            or house.catalog.add_run(
                Run(
                    run_id=str(ULID()),
                    workload=job.workload,
                    engine=house.estate.workloads[job.workload].engine,
                    target=place,
                    level="full",
                    requested_at=now,
                    reason="; ".join(job.reasons),
                )
            )
        )
    return wanted


def _work(house: Opened, watch: Watch, wanted: Sequence[str]) -> None:
    """Until the wanted runs have ended: be the executor if nobody is, else follow the one that is."""
    while _open(house, wanted):
        if house.lock.try_acquire():
            try:
                with executor(house, watch) as workflows:
                    _execute(house, workflows, wanted)
            finally:
                house.lock.release()
        else:
            _follow(house, watch, wanted)


@contextmanager
def executor(house: Opened, watch: Watch) -> Iterator[Workflows]:
    """The durable runtime in this process. What died with an earlier one is cleared away before anything runs."""
    # The runtime takes half a second to import; commands that only show never pay for it.
    from backstay.flows.backup import BackupFlow
    from backstay.flows.durable import DurableWorkflows

    outside = adapters(house, watch)
    sweep(house)
    workflows = DurableWorkflows(
        BackupFlow(outside), durable_address(house), _executor_name(house), lanes_for(house.estate)[1]
    )
    try:
        yield workflows
    finally:
        workflows.close()


def sweep(house: Opened) -> None:
    """End processes and remove folders that dead programs of this state folder left."""
    from backstay.host.places import ScratchPlaces
    from backstay.host.processes import Processes

    Processes(house.secrets, house.clock, str(house.state)).sweep()
    ScratchPlaces(str(house.state)).sweep()


def durable_address(house: Opened) -> str | Secret:
    """The runtime's own database: beside the catalog, or in the same PostgreSQL."""
    if house.estate.catalog == "sqlite":
        return f"sqlite:///{house.state / 'workflows.db'}"
    return catalog_address(house.estate, house.state, house.secrets)


def _executor_name(house: Opened) -> str:
    return f"{socket.gethostname()}:{house.state}"


def _execute(house: Opened, workflows: Workflows, wanted: Sequence[str]) -> None:
    """Execute every open run, whoever asked for it, until the wanted ones have ended."""
    submitted: set[str] = set()
    looked = house.clock.elapsed()
    while _open(house, wanted):
        fresh = [run.run_id for run in reversed(house.catalog.runs(open_only=True)) if run.run_id not in submitted]
        workflows.submit(fresh)
        submitted.update(fresh)
        if house.clock.elapsed() - looked > GIVE_UP_LOOK_S:
            looked = house.clock.elapsed()
            for run_id in _open(house, wanted):
                if workflows.status(run_id) == "ended":
                    _give_up(house, run_id)
        house.clock.sleep(LOOK_S)


def _give_up(house: Opened, run_id: str) -> None:
    """A run that the runtime has ended although it never reached its own end."""
    run = house.catalog.run(run_id)
    if run is None or run.result is not None:
        return
    error = ErrorRecord(
        "bug",
        "the program died again and again during this run",
        run.workload,
        "Please report this with the run's log.",
    )
    house.catalog.save_run(replace(run, ended_at=house.clock.now(), result="failed", error=error))


def _follow(house: Opened, watch: Watch, wanted: Sequence[str]) -> None:
    """Show what another program is doing for us, until it is done or gone."""
    for run in house.catalog.runs(open_only=True):
        progress = house.catalog.progress(run.run_id) if run.run_id in wanted else None
        if progress and watch.show:
            watch.show(run.workload, progress.phase, progress.done, progress.total)
    house.clock.sleep(0.2)


def _open(house: Opened, wanted: Sequence[str]) -> list[str]:
    still = {run.run_id for run in house.catalog.runs(open_only=True)}
    return [run_id for run_id in wanted if run_id in still]


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
    return ExitCode.UNAVAILABLE if codes == {"unavailable"} else ExitCode.FAILED


def cancel(house: Opened, run_id: str) -> RunView:
    """Stop a run. One that nobody executes ends here and now."""
    found = _found(house, run_id)
    if not house.catalog.request_cancel(found.run_id):
        raise Refused(f"run {found.run_id} has ended: {found.result}", subject=found.run_id)
    if house.lock.try_acquire():
        try:
            sweep(house)
            run = _found(house, found.run_id)
            if run.result is None:
                house.catalog.save_run(replace(run, ended_at=house.clock.now(), result="cancelled"))
        finally:
            house.lock.release()
    return _view(house, found.run_id)


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
    location = store_for(target, point.engine, workload.name, first_use=False).location
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
        word = "no run" if not matching else f"{len(matching)} runs"
        raise ConfigError(f"{word} begin with {prefix}", subject=prefix, hint="See backstay runs.")
    return matching[0]


def _view(house: Opened, run_id: str) -> RunView:
    run = house.catalog.run(run_id)
    if run is None:
        raise BackstayError(f"run {run_id} is gone from the catalog", subject=run_id)
    return run_view(run, executor_alive=house.lock.holder() is not None)
