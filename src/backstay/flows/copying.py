"""The long step of a backup: hold the source still, copy it, fingerprint it, keep the point."""

from __future__ import annotations

import json
import posixpath
import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from backstay.domain.errors import MachineLacks, SourceFailed
from backstay.domain.points import Fingerprint, RestorePoint
from backstay.domain.runs import Amount, Moving
from backstay.planning.network import host_key
from backstay.ports.engine import (
    SEAL_FILE,
    BackupReport,
    BackupRequest,
    Paths,
    Stream,
)
from backstay.ports.kind import Held, HoldRequest
from backstay.ports.progress import Progress
from backstay.proof.evidence import utc
from backstay.proof.judging import implausible

from .adapters import Adapters
from .leftovers import clear, may_be_there
from .naming import point_name
from .records import Copied
from .repositories import require_what_was_stored
from .ways import Doorkeeper, Way, for_copy, in_sight
from .work import Work, run_of


class Copying:
    """Copies one run's source once, whatever earlier tries left."""

    def __init__(self, adapters: Adapters, work: Work) -> None:
        self._with = adapters
        self._work = work

    def once(self) -> Copied:
        """The run's point: the one that is there already, or a new one."""
        kept = self._with.catalog.point_of_run(self._work.run.run_id)
        if kept is not None:
            return Copied(kept.run_id, point=kept.point)
        run = run_of(self._with, self._work.run.run_id)
        if may_be_there(self._with, run):
            require_what_was_stored(self._with, self._with.repository(self._work.workload, self._work.target))
            clear(self._with, self._work)
        self._with.catalog.save_run(replace(run, attempts=run.attempts + 1))
        return self._copy()

    def _copy(self) -> Copied:
        work = self._work
        newest = next(iter(self._with.catalog.points(work.workload.name, counting=True, limit=1)), None)
        previous = self._with.catalog.fingerprint(newest.point) if newest else None
        with work.site.machine.staging(work.workload.name, work.target.name) as place:
            request = HoldRequest(work.workload, work.run.run_id, place, previous)
            with work.kind.hold(request, work.progress) as held:
                self._require_plausible(held.amount, previous)
                backup, report, moving = self._sent(held, newest, place)
                work.progress.phase("fingerprint")
                fingerprint = held.fingerprint(work.progress)
                self._require_plausible(fingerprint.amount, previous)
        return self._keep(backup, report, fingerprint, moving)

    def _sent(self, held: Held, newest: RestorePoint | None, place: str) -> tuple[BackupRequest, BackupReport, Moving]:
        work = self._work
        began = self._with.clock.elapsed()
        with for_copy(self._with, work, held.source) as way:
            backup = self._request(held, newest, way)
            work.site.machine.write(posixpath.join(place, SEAL_FILE), _seal(backup))
            work.progress.phase("copy")
            with in_sight(way.repository.store) as check:
                checks = [check, way.door.gateway.check] if way.door else [check]
                report = self._backed_up(way, backup, Doorkeeper(work.progress, checks))
        if (passage := way.crossed) is None:
            return backup, report, Moving(report.bytes_added, self._with.clock.elapsed() - began)
        return backup, report, Moving(passage.moved, passage.seconds, passage.own_rate, passage.bound_by)

    def _backed_up(self, way: Way, backup: BackupRequest, progress: Progress) -> BackupReport:
        """What a machine lacks is told with its name, unless it is this one."""
        try:
            return way.engine.backup(backup, progress)
        except MachineLacks as error:
            there = self._work.site.machine.name or "this machine"
            if way.engine is self._work.engine or error.subject == self._work.target.name or there in error.message:
                raise
            where = f"{error.message}; {way.engine.name} ran on {there}"
            raise MachineLacks(where, **error.details()) from error

    def _request(self, held: Held, newest: RestorePoint | None, way: Way) -> BackupRequest:
        work = self._work
        beside = newest and (newest.target, newest.engine) == (work.target.name, work.engine.name)
        return BackupRequest(
            repository=way.repository,
            run_id=work.run.run_id,
            workload=work.workload.name,
            nonce=secrets.token_hex(16),
            source=_with_seal(way.source),
            as_of=held.as_of,
            parent=newest.snapshot if newest and beside else None,
            pace=self._pace(way.source),
        )

    def _pace(self, source: Paths | Stream) -> Callable[[], float | None] | None:
        """How fast the engine may read; a stream from a host comes no faster than that already."""
        work = self._work
        if isinstance(source, Stream) and work.site is not self._with.here:
            return None
        return partial(self._with.traffic.read_pace, work.run.run_id, host_key(work.workload.host))

    def _keep(self, backup: BackupRequest, report: BackupReport, fingerprint: Fingerprint, moving: Moving) -> Copied:
        work, repository = self._work, backup.repository
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
        self._with.catalog.save_inventory(repository.target, repository.engine, repository.name, inventory)
        kept = self._with.catalog.add_point(point, fingerprint)
        return Copied(
            work.run.run_id,
            None,
            kept.point,
            report.bytes_read,
            report.bytes_added,
            _unread(report.unreadable),
            moving,
        )

    def _require_plausible(self, amount: Amount | None, previous: Fingerprint | None) -> None:
        if amount is None:
            return
        workload = self._work.workload
        finding = implausible(workload.name, amount, previous.amount if previous else None, workload.plausible)
        if finding:
            raise SourceFailed(f"{workload.name}: {finding.message}", subject=workload.name, hint=finding.hint)


def _with_seal(source: Paths | Stream) -> Paths | Stream:
    return replace(source, paths=(*source.paths, SEAL_FILE)) if isinstance(source, Paths) else source


def _seal(backup: BackupRequest) -> bytes:
    words = {
        "run_id": backup.run_id,
        "workload": backup.workload,
        "nonce": backup.nonce,
        "as_of": utc(backup.as_of),
    }
    return json.dumps(words, indent=1).encode() + b"\n"


def _unread(names: tuple[str, ...], shown: int = 20) -> tuple[str, ...]:
    told = tuple(f"could not be read: {name}" for name in names[:shown])
    return told if len(names) <= shown else (*told, f"and {len(names) - shown:,} more could not be read")
