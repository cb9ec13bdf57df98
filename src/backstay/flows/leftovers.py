"""What a run without a point must not leave in a repository: locks of the dead, and a snapshot that looks whole."""

from __future__ import annotations

from dataclasses import replace

from backstay.domain.errors import BackstayError
from backstay.domain.runs import Run
from backstay.ports.engine import ForgetRequest
from backstay.ports.progress import Silent
from backstay.ports.runner import Command
from backstay.ports.store import remove_halves

from .adapters import Adapters
from .ways import opened
from .work import Work, looked_up, run_of


def may_be_there(adapters: Adapters, run: Run) -> bool:
    """Whether this run, or the one before it, began to copy and left no point."""
    known = adapters.catalog.runs(workload=run.workload, limit=20)
    begun = [each for each in known if each.run_id != run.run_id and each.target == run.target and each.attempts]
    return bool(run.attempts) or (bool(begun) and begun[0].point is None)


def clear(adapters: Adapters, work: Work) -> None:
    """Take away what tries of this run and of ended ones left."""
    idle = _idle(adapters, work)
    with opened(adapters, work.workload, work.target) as found:
        repository = replace(found, idle=idle)
        if repository.door is None:  # what comes from a host, or at a rate, went through a gateway to a folder, too
            remove_halves(repository.store)
        work.engine.release(repository, work.progress)
        stored = work.engine.restore_points(repository, work.progress)
        left = tuple(each.snapshots[0] for each in stored if _is_left_over(adapters, each.run_id, work.run))
        if not left:
            return
        report = work.engine.forget(ForgetRequest(repository, left, work.run.run_id), work.progress)
    log = adapters.progress(work.run.run_id)
    for snapshot in report.gone:
        log.note(f"snapshot {snapshot[:8]} never got its fingerprint; it is taken out")
    for snapshot in set(left) - set(report.gone):
        log.note(f"snapshot {snapshot[:8]} could not be taken out; no point stands for it", "warning")


def _idle(adapters: Adapters, work: Work) -> frozenset[str]:
    """The host, by the name that it has itself. Nothing of ours is left there when a way to it has been opened anew,
    and this is the only run that copies this workload."""
    if work.site is adapters.here:
        return frozenset()
    return frozenset(work.site.machine.runner.run(Command(("uname", "-n")), work.progress).out.split())


def let_go(adapters: Adapters, run_id: str) -> None:
    """Leave no lock of the dead while nobody goes on with the run; the rest is for whoever takes it up again."""
    try:
        work = looked_up(adapters, run_of(adapters, run_id))
        with opened(adapters, work.workload, work.target) as repository:
            work.engine.release(repository, Silent())
    except BackstayError as error:
        adapters.progress(run_id).note(f"locks could not be looked at: {error.message}", "warning")


def leave_nothing(adapters: Adapters, run_id: str) -> None:
    """Clear up after a run that ends without a point, though it was told to stop. What does not answer now is cleared
    away by the next run."""
    try:
        run = run_of(adapters, run_id)
        if run.attempts and adapters.catalog.point_of_run(run_id) is None:
            clear(adapters, replace(looked_up(adapters, run), progress=Silent()))
    except BackstayError as error:
        adapters.progress(run_id).note(f"what its tries left could not be cleared away: {error.message}", "warning")


def _is_left_over(adapters: Adapters, run_id: str | None, mine: Run) -> bool:
    """A snapshot of a run of ours, this one or one that has ended, without a point. What is unknown here stays."""
    run = adapters.catalog.run(run_id) if run_id else None
    if run is None or adapters.catalog.point_of_run(run.run_id) is not None:
        return False
    return run.run_id == mine.run_id or run.result is not None
