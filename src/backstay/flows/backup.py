"""One backup, as four steps that may each run twice: admit, prepare, copy, finish."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Self, TypeVar

from backstay.domain.errors import BackstayError, Cancelled, EngineFailed, InvariantBroken
from backstay.domain.findings import Finding
from backstay.domain.runs import RunResult
from backstay.domain.stopping import Leaving

from .adapters import Adapters
from .aside import Aside
from .copying import Copying
from .leftovers import leave_nothing, let_go
from .records import Admitted, Copied, Ended, Prepared, Ticket, record_of
from .repositories import make_ready
from .waiting import patiently
from .ways import opened
from .work import Work, run_of, work_of

T = TypeVar("T")


class BackupFlow:
    """The steps of a backup. Errors are returned in the records; what is raised is a bug of ours.

    With `aside`, a run holds nothing while it waits long for something that does not answer.
    """

    def __init__(self, adapters: Adapters, aside: Aside | None = None) -> None:
        self._with = adapters
        self._aside = aside
        self._one_at_a_time: dict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)

    def under(self, adapters: Adapters) -> Self:
        """The same under another estate file: what must not happen at once still does not."""
        other = type(self)(adapters, self._aside)
        other._one_at_a_time = self._one_at_a_time
        return other

    def admit(self, ticket: Ticket) -> Admitted:
        """The run has its slots: whoever submitted it saw to that. It may have been stopped since."""
        try:
            self._with.progress(ticket.run_id).check()
        except BackstayError as error:
            return Admitted(ticket.run_id, record_of(error))
        return Admitted(ticket.run_id)

    def prepare(self, admitted: Admitted) -> Prepared:
        """Look at the source and the repository; make the repository at its first use."""
        if admitted.stopped:
            return Prepared(admitted.run_id, admitted.stopped)
        try:
            work = work_of(self._with, admitted.run_id)
            started = replace(work.run, started_at=work.run.started_at or self._with.clock.now())
            self._with.catalog.save_run(started)
            warnings = self._patiently(work, lambda: self._look(work), answered=False)
        except BackstayError as error:
            return Prepared(admitted.run_id, record_of(error))
        return Prepared(admitted.run_id, warnings=warnings)

    def copy(self, prepared: Prepared) -> Copied:
        """Hold the source still, copy it, fingerprint it, keep the point; clear what an earlier try left."""
        if prepared.stopped:
            return Copied(prepared.run_id, prepared.stopped, warnings=prepared.warnings)
        try:
            work = work_of(self._with, prepared.run_id)
            with self._one_at_a_time[work.workload.name, work.target.name]:
                copied = self._patiently(work, lambda: Copying(self._with, work).once(), answered=True)
        except Leaving:
            let_go(self._with, prepared.run_id)
            raise
        except BackstayError as error:
            leave_nothing(self._with, prepared.run_id)
            return Copied(prepared.run_id, record_of(error), warnings=prepared.warnings)
        return replace(copied, warnings=prepared.warnings + copied.warnings)

    def finish(self, copied: Copied) -> Ended:
        """Give the run its result."""
        run = run_of(self._with, copied.run_id)
        if run.result is not None:
            return Ended(run.run_id, run.result)
        result = self._result(copied)
        self._with.catalog.save_run(
            replace(
                run,
                ended_at=self._with.clock.now(),
                result=result,
                point=copied.point,
                bytes_read=copied.bytes_read,
                bytes_added=copied.bytes_added,
                bytes_moved=copied.moving.moved if copied.moving else None,
                moving_s=copied.moving.seconds if copied.moving else None,
                own_rate=copied.moving.own_rate if copied.moving else None,
                bound_by=copied.moving.bound_by if copied.moving else None,
                warnings=copied.warnings,
                error=copied.stopped,
            )
        )
        if self._aside:
            self._aside.admit(run.run_id)
        self._last_words(run.run_id, copied, result)
        return Ended(run.run_id, result)

    def abandon(self, run_id: str, error: BackstayError) -> Ended:
        """End a run that nobody executes: with the point that it has already, else because of `error`."""
        leave_nothing(self._with, run_id)
        point = self._with.catalog.point_of_run(run_id)
        return self.finish(Copied(run_id, point=point.point) if point else Copied(run_id, record_of(error)))

    def skip(self, run_id: str, why: str) -> None:
        """End a run that never began."""
        run = run_of(self._with, run_id)
        self._with.catalog.save_run(
            replace(run, ended_at=self._with.clock.now(), result="skipped", warnings=(*run.warnings, why))
        )
        self._with.progress(run_id).note(why, "warning")

    def _patiently(self, work: Work, step: Callable[[], T], *, answered: bool) -> T:
        return patiently(self._with, work, step, answered=answered, aside=self._aside)

    def _look(self, work: Work) -> tuple[str, ...]:
        work.progress.phase("look")
        look = work.kind.look(work.workload, work.progress)
        with opened(self._with, work.workload, work.target) as repository:
            findings = [*look.findings, *work.engine.preflight(repository, work.progress)]
            for finding in findings:
                if finding.severity == "error":
                    raise EngineFailed(finding.message, subject=finding.subject, hint=finding.hint)
            make_ready(self._with, work, repository)
        return tuple(_told(finding) for finding in findings if finding.severity == "warning")

    def _result(self, copied: Copied) -> RunResult:
        if copied.stopped:
            return "cancelled" if copied.stopped.code == Cancelled.code else "failed"
        point = self._with.catalog.point_of_run(copied.run_id)
        if point is None:
            raise InvariantBroken(f"run {copied.run_id} ended without an error and without a point")
        return "incomplete" if point.state == "incomplete" else "done"

    def _last_words(self, run_id: str, copied: Copied, result: RunResult) -> None:
        progress = self._with.progress(run_id)
        for warning in copied.warnings:
            progress.note(warning, "warning")
        if copied.stopped:
            progress.note(copied.stopped.message, "error")
            if copied.stopped.hint:
                progress.note(copied.stopped.hint, "error")
        progress.note(f"run {run_id} is {result}")
        progress.phase(result)


def _told(finding: Finding) -> str:
    return f"{finding.message}; {finding.hint}" if finding.hint else finding.message
