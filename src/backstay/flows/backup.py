"""One backup, as four steps that may each run twice: admit, prepare, copy, finish."""

from __future__ import annotations

import json
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from backstay.domain.errors import (
    BackstayError,
    Cancelled,
    EngineFailed,
    InvariantBroken,
    RepositoryDamaged,
    SourceFailed,
    Unavailable,
)
from backstay.domain.estate import Target, Workload
from backstay.domain.findings import Finding
from backstay.domain.points import Fingerprint, RestorePoint
from backstay.domain.runs import Amount, Run, RunResult
from backstay.ports.engine import (
    SEAL_FILE,
    BackupReport,
    BackupRequest,
    Engine,
    ForgetRequest,
    Paths,
    Repository,
    Stream,
)
from backstay.ports.kind import Held, HoldRequest, Kind
from backstay.ports.progress import Progress
from backstay.proof.evidence import utc
from backstay.proof.judging import implausible

from .adapters import Adapters
from .naming import point_name
from .records import Admitted, Copied, Ended, Prepared, Ticket, record_of

ATTEMPTS = 3
"""Tries of a step whose host or repository does not answer; what lasts longer is for the next due time."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Work:
    """Everything one run needs, looked up once per step."""

    run: Run
    workload: Workload
    target: Target
    kind: Kind
    engine: Engine
    progress: Progress


class BackupFlow:
    """The steps of a backup. Errors are returned in the records; what is raised is a bug of ours."""

    def __init__(self, adapters: Adapters) -> None:
        self._with = adapters
        self._one_at_a_time: dict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)

    def admit(self, ticket: Ticket) -> Admitted:
        """Wait for the runs that this one comes after; the seam where slots and rates will be taken."""
        run = self._run(ticket.run_id)
        try:
            self._await_predecessors(run)
        except BackstayError as error:
            return Admitted(run.run_id, record_of(error))
        return Admitted(run.run_id)

    def prepare(self, admitted: Admitted) -> Prepared:
        """Look at the source and the repository; make the repository at its first use."""
        if admitted.stopped:
            return Prepared(admitted.run_id, admitted.stopped)
        try:
            work = self._work(admitted.run_id)
            started = replace(work.run, started_at=work.run.started_at or self._with.clock.now())
            self._with.catalog.save_run(started)
            warnings = self._patiently(work, lambda: self._look(work))
        except BackstayError as error:
            return Prepared(admitted.run_id, record_of(error))
        return Prepared(admitted.run_id, warnings=warnings)

    def copy(self, prepared: Prepared) -> Copied:
        """Hold the source still, copy it, fingerprint it, keep the point; clear what an earlier try left."""
        if prepared.stopped:
            return Copied(prepared.run_id, prepared.stopped, warnings=prepared.warnings)
        try:
            work = self._work(prepared.run_id)
            with self._one_at_a_time[work.workload.name, work.target.name]:
                copied = self._patiently(work, lambda: self._copy_once(work))
        except BackstayError as error:
            return Copied(prepared.run_id, record_of(error), warnings=prepared.warnings)
        return replace(copied, warnings=prepared.warnings + copied.warnings)

    def finish(self, copied: Copied) -> Ended:
        """Give the run its result."""
        run = self._run(copied.run_id)
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
                warnings=copied.warnings,
                error=copied.stopped,
            )
        )
        self._last_words(run.run_id, copied, result)
        return Ended(run.run_id, result)

    # admit

    def _await_predecessors(self, run: Run) -> None:
        progress = self._with.progress(run.run_id)
        progress.check()
        names = self._with.workload(run.workload).after
        while names and self._earlier_open(run, names):
            progress.phase("waiting")
            progress.check()
            self._with.clock.sleep(0.2)

    def _earlier_open(self, run: Run, names: tuple[str, ...]) -> bool:
        """Whether a run asked for no later than this one, of a workload that it comes after, is still open."""
        return any(
            other.workload in names and other.requested_at <= run.requested_at
            for other in self._with.catalog.runs(open_only=True)
        )

    # prepare

    def _look(self, work: _Work) -> tuple[str, ...]:
        work.progress.phase("look")
        look = work.kind.look(work.workload, work.progress)
        repository = self._with.repository(work.workload, work.target)
        findings = [*look.findings, *work.engine.preflight(repository, work.progress)]
        for finding in findings:
            if finding.severity == "error":
                raise EngineFailed(finding.message, subject=finding.subject, hint=finding.hint)
        if not repository.store.exists():
            self._create(work, repository)
        return tuple(_told(finding) for finding in findings if finding.severity != "advice")

    def _create(self, work: _Work, repository: Repository) -> None:
        """A repository is made once. One that was there and is gone is not replaced by an empty one in silence."""
        place = repository.store.location
        repository.store.prepare()
        if self._with.catalog.inventory(repository.target, repository.engine, repository.name) is not None:
            raise RepositoryDamaged(
                f"the repository {place} is gone",
                subject=f"{repository.target}/{repository.name}",
                hint="Bring it back, or mount it. To begin anew, name the workload differently.",
            )
        work.engine.create(repository, work.progress)
        work.progress.note(f"made the repository {place}")

    # copy

    def _copy_once(self, work: _Work) -> Copied:
        kept = self._with.catalog.point_of_run(work.run.run_id)
        if kept is not None:
            return Copied(work.run.run_id, point=kept.point)
        run = self._run(work.run.run_id)
        repository = self._with.repository(work.workload, work.target)
        if run.attempts:
            self._clear(work, repository)
        self._with.catalog.save_run(replace(run, attempts=run.attempts + 1))
        try:
            return self._held_copy(work, repository)
        except BackstayError:
            self._release(work, repository)
            raise

    def _release(self, work: _Work, repository: Repository) -> None:
        """A tool that was killed leaves its lock; the next run must not find it."""
        try:
            work.engine.release(repository, work.progress)
        except BackstayError as error:
            work.progress.note(f"locks could not be looked at: {error.message}", "warning")

    def _clear(self, work: _Work, repository: Repository) -> None:
        """Take away what an earlier try left: dead locks, and a snapshot that never got its fingerprint."""
        work.engine.release(repository, work.progress)
        left = [
            stored.snapshots[0]
            for stored in work.engine.restore_points(repository, work.progress)
            if stored.run_id == work.run.run_id
        ]
        if left:
            work.progress.note("an earlier try left a snapshot without a fingerprint; it is taken out and made again")
            self._forget(work, repository, tuple(left))

    def _held_copy(self, work: _Work, repository: Repository) -> Copied:
        newest = next(iter(self._with.catalog.points(work.workload.name, counting=True, limit=1)), None)
        previous = self._with.catalog.fingerprint(newest.point) if newest else None
        nonce = secrets.token_hex(16)
        with self._with.staging(work.workload, work.target) as place:
            request = HoldRequest(work.workload, work.run.run_id, place, previous)
            with work.kind.hold(request, work.progress) as held:
                self._require_plausible(work, held.amount, previous)
                backup = _request(work, repository, held, nonce, newest)
                _seal(place, backup)
                work.progress.phase("copy")
                report = work.engine.backup(backup, work.progress)
                fingerprint = self._fingerprint(work, repository, held, report)
        return self._keep(work, repository, backup, report, fingerprint, previous)

    def _fingerprint(self, work: _Work, repository: Repository, held: Held, report: BackupReport) -> Fingerprint:
        try:
            work.progress.phase("fingerprint")
            return held.fingerprint(work.progress)
        except BackstayError:
            self._forget(work, repository, (report.snapshot,))
            raise

    def _keep(
        self,
        work: _Work,
        repository: Repository,
        backup: BackupRequest,
        report: BackupReport,
        fingerprint: Fingerprint,
        previous: Fingerprint | None,
    ) -> Copied:
        try:
            self._require_plausible(work, fingerprint.amount, previous)
        except SourceFailed:
            self._forget(work, repository, (report.snapshot,))
            raise
        now = self._with.clock.now()
        whole = not report.unreadable or work.workload.allow_unreadable
        point = RestorePoint(
            point=point_name(work.run.run_id),
            run_id=work.run.run_id,
            workload=work.workload.name,
            kind=work.workload.kind,
            engine=work.engine.name,
            target=work.target.name,
            level=work.run.level,
            as_of=backup.as_of,
            taken_at=now,
            bytes=report.bytes_read,
            snapshot=report.snapshot,
            nonce=backup.nonce,
            state="taken" if whole else "incomplete",
        )
        inventory = work.engine.inventory(repository, now)
        self._with.catalog.save_inventory(work.target.name, work.engine.name, repository.name, inventory)
        kept = self._with.catalog.add_point(point, fingerprint)
        return Copied(
            work.run.run_id,
            point=kept.point,
            bytes_read=report.bytes_read,
            bytes_added=report.bytes_added,
            warnings=_unread(report.unreadable),
        )

    def _require_plausible(self, work: _Work, amount: Amount | None, previous: Fingerprint | None) -> None:
        if amount is None:
            return
        finding = implausible(
            work.workload.name, amount, previous.amount if previous else None, work.workload.plausible
        )
        if finding:
            raise SourceFailed(
                f"{work.workload.name}: {finding.message}", subject=work.workload.name, hint=finding.hint
            )

    def _forget(self, work: _Work, repository: Repository, snapshots: tuple[str, ...]) -> None:
        report = work.engine.forget(ForgetRequest(repository, snapshots, work.run.run_id), work.progress)
        for snapshot in set(snapshots) - set(report.gone):
            work.progress.note(f"snapshot {snapshot[:8]} could not be taken out; no point stands for it", "warning")

    # finish

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

    # shared

    def _run(self, run_id: str) -> Run:
        run = self._with.catalog.run(run_id)
        if run is None:
            raise InvariantBroken(f"run {run_id} was never asked for")
        return run

    def _work(self, run_id: str) -> _Work:
        run = self._run(run_id)
        workload = self._with.workload(run.workload)
        progress = self._with.progress(run_id)
        progress.check()
        return _Work(
            run,
            workload,
            self._with.target(run.target),
            self._with.kind(workload),
            self._with.engine(run.engine),
            progress,
        )

    def _patiently(self, work: _Work, step: Callable[[], T]) -> T:
        """Try again, with growing and random waits, while something does not answer."""

        def wait(seconds: float) -> None:
            work.progress.note(f"trying again in {seconds:.0f} s", "warning")
            work.progress.check()
            self._with.clock.sleep(seconds)
            work.progress.check()

        return Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=1, max=10),
            sleep=wait,
            reraise=True,
        )(step)


def _request(work: _Work, repository: Repository, held: Held, nonce: str, newest: RestorePoint | None) -> BackupRequest:
    same_place = newest and newest.target == work.target.name and newest.engine == work.engine.name
    return BackupRequest(
        repository=repository,
        run_id=work.run.run_id,
        workload=work.workload.name,
        nonce=nonce,
        source=_with_seal(held.source),
        as_of=held.as_of,
        parent=newest.snapshot if newest and same_place else None,
    )


def _with_seal(source: Paths | Stream) -> Paths | Stream:
    return replace(source, paths=(*source.paths, SEAL_FILE)) if isinstance(source, Paths) else source


def _seal(place: str, backup: BackupRequest) -> None:
    words = {
        "run_id": backup.run_id,
        "workload": backup.workload,
        "nonce": backup.nonce,
        "as_of": utc(backup.as_of),
    }
    Path(place, SEAL_FILE).write_text(json.dumps(words, indent=1) + "\n")


def _told(finding: Finding) -> str:
    return f"{finding.message}; {finding.hint}" if finding.hint else finding.message


def _unread(names: tuple[str, ...], shown: int = 20) -> tuple[str, ...]:
    told = tuple(f"could not be read: {name}" for name in names[:shown])
    return told if len(names) <= shown else (*told, f"and {len(names) - shown:,} more could not be read")
