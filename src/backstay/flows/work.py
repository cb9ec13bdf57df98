"""One run under way: what every step of it looks up."""

from __future__ import annotations

from dataclasses import dataclass

from backstay.domain.errors import Cancelled, InvariantBroken
from backstay.domain.estate import Target, Workload
from backstay.domain.runs import Run
from backstay.ports.engine import Engine
from backstay.ports.kind import Kind
from backstay.ports.progress import Progress

from .adapters import Adapters, Site


@dataclass(frozen=True, slots=True)
class Work:
    """Everything one run needs, looked up once per step. `kind` works at `site`, `engine` on this machine."""

    run: Run
    workload: Workload
    target: Target
    site: Site
    kind: Kind
    engine: Engine
    progress: Progress


def run_of(adapters: Adapters, run_id: str) -> Run:
    """The run as the catalog has it."""
    run = adapters.catalog.run(run_id)
    if run is None:
        raise InvariantBroken(f"run {run_id} was never asked for")
    return run


def work_of(adapters: Adapters, run_id: str) -> Work:
    """What a step works with; Cancelled if the run has ended or was asked to."""
    run = run_of(adapters, run_id)
    if run.result is not None:
        raise Cancelled(f"run {run_id} has ended already", subject=run_id)
    work = looked_up(adapters, run)
    work.progress.check()
    return work


def looked_up(adapters: Adapters, run: Run) -> Work:
    """The same for a run that may have been told to stop."""
    workload = adapters.workload(run.workload)
    site = adapters.source_site(workload)
    return Work(
        run,
        workload,
        adapters.target(run.target),
        site,
        adapters.kind(workload, site),
        adapters.engine(run.engine),
        adapters.progress(run.run_id),
    )
