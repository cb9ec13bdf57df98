"""One drill: restore a point into a throwaway place, judge it level by level, keep the evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from backstay.domain.drills import Drill, DrillVerdict, Level, LevelResult
from backstay.domain.errors import BackstayError, Cancelled, MachineLacks, Unavailable
from backstay.domain.estate import Workload
from backstay.domain.findings import Finding
from backstay.domain.points import Fingerprint, PointState, RestorePoint
from backstay.ports.engine import SEAL_FILE, Engine, Repository, RestoreRequest, StoredPoint, VerifyRequest
from backstay.ports.kind import Kind, Raised, RaiseRequest
from backstay.ports.progress import Progress
from backstay.proof.evidence import drill_evidence
from backstay.proof.judging import freshness, several, snapshot_of, together, unreached, up_to, verdict

from .adapters import Adapters
from .ways import opened

Judge = Callable[[], LevelResult]


class _Ended(Exception):
    """The drill ends here: as deep as asked, or at a level that the deeper ones need."""


@dataclass(slots=True)
class _Course:
    """A drill under way."""

    point: RestorePoint
    workload: Workload
    kind: Kind
    engine: Engine
    repository: Repository
    fingerprint: Fingerprint | None
    wanted: frozenset[Level]
    progress: Progress
    started_at: datetime
    levels: list[LevelResult] = field(default_factory=list)
    stored: StoredPoint | None = None
    rto_s: float | None = None

    def judge(self, level: Level, judge: Judge, *, needed: bool = False) -> None:
        """Run one level if it was asked for. A `needed` one that does not pass ends the drill."""
        if level not in self.wanted:
            raise _Ended
        self.progress.phase(level)
        result = _tried(level, judge)
        self.levels.append(result)
        self.progress.note(f"{level} {result.result}: {result.detail}")
        if needed and result.result != "passed":
            raise _Ended


class DrillFlow:
    """Drills leave nothing but their records; one that dies on the way is swept, and asked for again."""

    def __init__(self, adapters: Adapters) -> None:
        self._with = adapters

    def drill(self, name: str, point: RestorePoint, depth: Level, progress: Progress) -> Drill:
        """Judge `point` down to `depth`. Damage is a verdict; what is raised is Cancelled or a wrong request."""
        workload = self._with.workload(point.workload)
        with opened(self._with, workload, self._with.target(point.target)) as repository:
            course = _Course(
                point=point,
                workload=workload,
                kind=self._with.kind(workload),
                engine=self._with.engine(point.engine),
                repository=repository,
                fingerprint=self._with.catalog.fingerprint(point.point),
                wanted=up_to(depth) | ({"L7"} if depth == "L6" and workload.ask else frozenset()),
                progress=progress,
                started_at=self._with.clock.now(),
            )
            try:
                self._run(course)
            except _Ended:
                progress.note(f"ended at {course.levels[-1].level}")
            return self._keep(name, course)

    def _run(self, course: _Course) -> None:
        course.judge("L0", lambda: self._pieces(course), needed=True)
        course.judge("L1", lambda: self._engine_check(course), needed=True)
        with self._with.places.open("restore") as folder:
            begun = self._with.clock.elapsed()
            course.judge("L2", lambda: self._restore(course, folder), needed=True)
            if "L3" in course.wanted:
                self._raise(course, folder, begun)

    def _raise(self, course: _Course, folder: str, begun: float) -> None:
        """Bring it to life; the time from the order to restore until it answers is the RTO."""
        course.progress.phase("raise")
        with self._with.places.open("raise", for_user=self._with.places.ordinary_user) as place:
            request = RaiseRequest(course.workload, folder, place, course.fingerprint)
            try:
                _require_its_kind(course)
                with course.kind.raise_elsewhere(request, course.progress) as raised:
                    course.rto_s = round(self._with.clock.elapsed() - begun, 3)
                    course.judge("L3", lambda: raised.started, needed=True)
                    self._examine(course, raised, folder)
            except BackstayError as error:
                if isinstance(error, Cancelled) or course.levels[-1].level != "L2":
                    raise
                course.judge("L3", _raiser(error), needed=True)

    def _examine(self, course: _Course, raised: Raised, folder: str) -> None:
        course.judge("L4", lambda: raised.structure(course.progress))
        course.judge("L5", lambda: raised.data(course.progress))
        course.judge("L6", lambda: freshness(course.point, course.stored, _seal(folder), course.kind.sealed))
        course.judge("L7", lambda: together("L7", [raised.ask(q, course.progress) for q in course.workload.ask]))

    def _pieces(self, course: _Course) -> LevelResult:
        """L0: names, sizes and hashes of what is stored, and that a snapshot of this point's run is listed."""
        repository = course.repository
        expected = self._with.catalog.inventory(repository.target, repository.engine, repository.name)
        report = course.engine.verify(VerifyRequest(repository, "pieces", expected), course.progress)
        if report.problems:
            return LevelResult("L0", "failed", several(report.problems))
        listed = course.engine.restore_points(repository, course.progress)
        course.stored = snapshot_of(course.point, listed)
        if course.stored is None:
            held = ", ".join(sorted({stored.workload or "unknown" for stored in listed})) or "nothing"
            detail = f"no snapshot of run {course.point.run_id} is there; the repository holds {len(listed)} of {held}"
            return LevelResult("L0", "failed", detail)
        return LevelResult("L0", "passed", f"{report.checked:,} of {report.checked:,} pieces there and whole")

    def _engine_check(self, course: _Course) -> LevelResult:
        report = course.engine.verify(VerifyRequest(course.repository, "structure"), course.progress)
        if report.problems:
            return LevelResult("L1", "failed", several(report.problems))
        return LevelResult("L1", "passed", f"{course.engine.name}: no errors")

    def _restore(self, course: _Course, folder: str) -> LevelResult:
        if course.stored is None:
            return LevelResult("L2", "failed", "there is no snapshot to restore")
        request = RestoreRequest(course.repository, course.stored.snapshots[0], folder, with_seal=True)
        report = course.engine.restore(request, course.progress)
        if report.complaints:
            return LevelResult("L2", "failed", several(report.complaints))
        return LevelResult("L2", "passed", f"{report.files:,} files, {report.bytes:,} bytes, log clean")

    def _keep(self, name: str, course: _Course) -> Drill:
        levels = unreached(course.levels, "not reached" if _broke(course) else "not asked for")
        drill = Drill(
            drill=name,
            workload=course.workload.name,
            point=course.point.point,
            as_of=course.point.as_of,
            started_at=course.started_at,
            ended_at=self._with.clock.now(),
            verdict=verdict(levels),
            levels=levels,
            rto_s=course.rto_s,
            findings=self._findings(course),
        )
        catalog = self._with.catalog
        state = _state_after(course.point.state, drill.verdict)
        if drill.verdict == "failed":
            # First, so that a crash in between leaves no failed drill beside a point that counts.
            catalog.set_point_state(course.point.point, state)
        kept = self._with_evidence(drill, course)
        course.progress.phase(drill.verdict)
        if state != course.point.state:
            catalog.set_point_state(course.point.point, state)
        return kept

    def _with_evidence(self, drill: Drill, course: _Course) -> Drill:
        """The drill with the number of its record; one that another drill took meanwhile is followed by the next."""
        catalog = self._with.catalog
        while True:
            evidence = drill_evidence(drill, _facts(course), catalog.last_evidence())
            kept = replace(drill, evidence=evidence.number)
            try:
                catalog.add_drill(kept, evidence)
            except Unavailable:
                continue
            return kept

    def _findings(self, course: _Course) -> tuple[Finding, ...]:
        """One finding for each failed level, pointing to the newest point that was proven."""
        proven = next(
            (
                point
                for point in self._with.catalog.points(course.workload.name, counting=True)
                if point.state == "proven" and point.point != course.point.point
            ),
            None,
        )
        other = (
            f"Point {proven.point} as of {proven.as_of:%Y-%m-%d %H:%M} UTC is proven"
            if proven
            else "No other point is proven"
        )
        hint = f"{other}; {_what_next(course)}"
        return tuple(
            Finding(f"drill-{level.level}", "error", course.workload.name, level.detail, hint)
            for level in course.levels
            if level.result == "failed"
        )


def _what_next(course: _Course) -> str:
    """After damage to what is stored a new backup would lack the same pieces; after any other, it is the cure."""
    name = course.workload.name
    if any(level.result == "failed" for level in course.levels if level.level in ("L0", "L1")):
        return f"mend the repository or set it aside: backstay run {name} adds nothing to it, and says how."
    return f"take a new one with backstay run {name}."


def _tried(level: Level, judge: Judge) -> LevelResult:
    """What cannot be tested is skipped with its reason; what fails while it is tested has failed."""
    try:
        return judge()
    except Cancelled:
        raise
    except (Unavailable, MachineLacks) as error:
        return LevelResult(level, "skipped", error.message)
    except BackstayError as error:
        return LevelResult(level, "failed", error.message)


def _raiser(error: BackstayError) -> Judge:
    def judge() -> LevelResult:
        raise error

    return judge


def _require_its_kind(course: _Course) -> None:
    """What another kind would say of it means nothing."""
    point, workload = course.point, course.workload
    if point.kind != workload.kind:
        raise Unavailable(
            f"point {point.point} is of kind {point.kind}, and {workload.name} is of kind {workload.kind} now"
        )


def _broke(course: _Course) -> bool:
    return any(level.result != "passed" for level in course.levels if level.level <= "L3")


def _state_after(state: PointState, ended: DrillVerdict) -> PointState:
    """A drill moves a point up, or marks it damaged; one that could not test leaves it as it is."""
    if ended == "failed":
        return "damaged"
    if ended == "proven":
        return "incomplete" if state == "incomplete" else "proven"
    if ended == "restored" and state in ("taken", "verified", "damaged"):
        return "restored"
    return state


def _facts(course: _Course) -> dict[str, object]:
    """What the restored data was held against."""
    return {
        "run_id": course.point.run_id,
        "snapshot": course.point.snapshot,
        "engine": course.engine.name,
        "method": course.fingerprint.method if course.fingerprint else None,
    }


def _seal(folder: str) -> dict[str, str] | None:
    try:
        seal = json.loads(Path(folder, SEAL_FILE).read_text())
    except (OSError, ValueError):
        return None
    return seal if isinstance(seal, dict) else None
