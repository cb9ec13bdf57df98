"""`points`, `restore` and `verify`: what can be returned to, bringing it back, and looking at stored bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from backstay.config.leaks import holds_password
from backstay.domain.errors import ConfigError, Refused
from backstay.domain.estate import FilesSource, SqliteSource
from backstay.domain.points import RestorePoint
from backstay.domain.secrets import secret_reference
from backstay.flows.adapters import Adapters
from backstay.flows.restore import RepositoryVerdict as RepositoryVerdict
from backstay.flows.restore import restore_point, verify_repository
from backstay.ports.kind import Loads
from backstay.proof.judging import newest_before

from .views import PointView, point_views
from .watching import Watch
from .wiring import Opened, adapters, require_workloads


def points(house: Opened, names: tuple[str, ...]) -> tuple[PointView, ...]:
    """Restore points, newest first, of the named workloads or of all."""
    require_workloads(house.estate, names)
    found = house.catalog.points()
    return point_views([point for point in found if not names or point.workload in names])


def point_named(house: Opened, prefix: str) -> RestorePoint:
    """The one point whose name begins so."""
    point = house.catalog.point(prefix)
    if point is None:
        raise ConfigError(f"no point begins with {prefix}", subject=prefix, hint="See backstay points.")
    return point


def newest_point(house: Opened, workload: str, at: datetime | None = None) -> RestorePoint:
    """The newest point that counts, at `at` if given; where none counts, the newest of all."""
    found = house.catalog.points(workload)
    moment = at or house.clock.now()
    point = newest_before(found, moment) or next((each for each in found if each.as_of <= moment), None)
    if point is None:
        when = f" as of {at:%Y-%m-%d %H:%M}" if at else ""
        raise ConfigError(
            f"{workload} has no restore point{when}", subject=workload, hint=f"Take one with backstay run {workload}."
        )
    return point


@dataclass(frozen=True, slots=True)
class RestoreView:
    """What lies where now."""

    workload: str
    point: str
    as_of: datetime
    path: str
    files: int
    bytes: int
    seconds: float
    next_steps: tuple[str, ...]


def restore(
    house: Opened,
    watch: Watch,
    workload: str,
    to: str | None,
    *,
    into: str | None = None,
    point: str | None = None,
    at: datetime | None = None,
    include: tuple[str, ...] = (),
) -> RestoreView:
    """Bring the artefacts of a point back into the empty or new folder `to`, or load them into the database `into`."""
    (asked,) = require_workloads(house.estate, (workload,))
    chosen = point_named(house, point) if point else newest_point(house, workload, _aware(house, at))
    if chosen.workload != workload:
        raise ConfigError(f"point {chosen.point} is of {chosen.workload}, not of {workload}", subject=point)
    outside = adapters(house, watch)
    if into is not None:
        return _load(house, outside, chosen, into, watch)
    folder = Path(to or ".").absolute()
    _require_elsewhere(asked.source, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "it is a file" if folder.is_file() else error.strerror
        hint = "Give --to a new or empty folder."
        raise ConfigError(f"{folder} cannot be made a folder: {why}", subject=str(folder), hint=hint) from error
    view = _fill(house, outside, chosen, str(folder), include, watch)
    return replace(view, next_steps=outside.kind(asked).runbook(asked, str(folder)))


def _aware(house: Opened, at: datetime | None) -> datetime | None:
    """The time as the user wrote it: in the estate's zone, unless it names its own."""
    return at.replace(tzinfo=at.tzinfo or ZoneInfo(house.estate.timezone)) if at else None


def _fill(
    house: Opened, outside: Adapters, point: RestorePoint, folder: str, include: tuple[str, ...], watch: Watch
) -> RestoreView:
    begun = house.clock.elapsed()
    report = restore_point(outside, point, folder, include, watch.drill(point.workload))
    seconds = round(house.clock.elapsed() - begun, 3)
    return RestoreView(point.workload, point.point, point.as_of, folder, report.files, report.bytes, seconds, ())


def _load(house: Opened, outside: Adapters, point: RestorePoint, into: str, watch: Watch) -> RestoreView:
    workload = house.estate.workloads[point.workload]
    kind = outside.kind(workload)
    if not isinstance(kind, Loads):
        hint = "Restore it with --to DIR."
        raise ConfigError(f"{workload.name} is of kind {kind.name}, which is not loaded into a server", hint=hint)
    reference = secret_reference(into)
    if reference is None and holds_password(into):
        hint = "Give it as a reference: env:NAME or file:/path."
        raise ConfigError(
            "the address after --into holds a password, which everybody on this machine can see", hint=hint
        )
    begun = house.clock.elapsed()
    with outside.places.open("restore") as folder:
        view = _fill(house, outside, point, folder, (), watch)
        kind.load(workload, folder, reference or into, watch.drill(workload.name))
    return replace(view, path=into, seconds=round(house.clock.elapsed() - begun, 3))


def _require_elsewhere(source: object, folder: Path) -> None:
    paths = (
        source.paths if isinstance(source, FilesSource) else (source.path,) if isinstance(source, SqliteSource) else ()
    )
    for path in paths:
        if folder.resolve().is_relative_to(Path(path).resolve()):
            raise Refused(
                f"{folder} lies inside the source {path}",
                subject=str(folder),
                hint="Restore beside it, look at it, and move it into place yourself.",
            )


def verify(house: Opened, watch: Watch, names: tuple[str, ...], *, read_all: bool) -> tuple[RepositoryVerdict, ...]:
    """Look at the stored bytes of every repository that holds points of the named workloads, or of all."""
    require_workloads(house.estate, names)
    outside = adapters(house, watch)
    depth: Literal["structure", "everything"] = "everything" if read_all else "structure"
    newest: dict[tuple[str, str, str], RestorePoint] = {}
    for point in house.catalog.points():
        if (not names or point.workload in names) and point.workload in house.estate.workloads:
            newest.setdefault((point.target, point.engine, point.workload), point)
    verdicts = []
    for point in newest.values():
        seen = verify_repository(outside, point, depth, watch.drill(point.workload))
        for lost in seen.written_off:
            house.catalog.set_point_state(lost, "damaged")
        if not seen.problems and point.state == "taken":
            house.catalog.set_point_state(point.point, "verified")
        verdicts.append(seen)
    return tuple(verdicts)
