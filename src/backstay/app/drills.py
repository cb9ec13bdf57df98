"""`drill`: restore elsewhere and judge."""

from __future__ import annotations

from collections.abc import Sequence

from ulid import ULID

from backstay.domain.drills import Drill, Level
from backstay.domain.errors import ConfigError, ExitCode
from backstay.domain.points import RestorePoint
from backstay.flows.drill import DrillFlow
from backstay.ports.catalog import Facts

from .executing import sweep
from .points import newest_point, point_named
from .watching import Watch
from .wiring import Opened, adapters, require_workloads


def drill(
    house: Opened,
    watch: Watch,
    names: tuple[str, ...],
    *,
    everything: bool = False,
    point: str | None = None,
    depth: Level = "L6",
) -> tuple[Drill, ...]:
    """Drill the newest point of each named workload, of all, or of those whose drill is due; or one given point."""
    require_workloads(house.estate, names)
    chosen = _chosen(house, names, everything, point)
    sweep(house)
    flow = DrillFlow(adapters(house, watch))
    return tuple(flow.drill(str(ULID()), each, depth, watch.drill(each.workload)) for each in chosen)


def _chosen(house: Opened, names: tuple[str, ...], everything: bool, point: str | None) -> Sequence[RestorePoint]:
    if point is not None:
        one = point_named(house, point)
        if names and one.workload not in names:
            raise ConfigError(f"point {one.point} is of {one.workload}, not of {', '.join(names)}", subject=point)
        return [one]
    if names:
        return [newest_point(house, name) for name in names]
    newest = [found[0] for name in _active(house) if (found := house.catalog.points(name, counting=True, limit=1))]
    return newest if everything else [each for each in newest if _due(house, each.workload)]


def _active(house: Opened) -> list[str]:
    return [workload.name for workload in house.estate.workloads.values() if workload.exempt is None]


def _due(house: Opened, name: str) -> bool:
    """Never proven, or longer ago than the policy's cadence; a policy without one is due once."""
    proven = house.catalog.facts().get(name, Facts()).last_proven
    cadence = house.estate.workloads[name].owed.drill
    return proven is None or (cadence is not None and house.clock.now() - proven.ended_at >= cadence)


def exit_code(drills: Sequence[Drill], depth: Level) -> ExitCode:
    """0 only if every drill passed: proven, or restored where no more was asked for."""
    return ExitCode.GOOD if all(_passed(each, depth) for each in drills) else ExitCode.FAILED


def _passed(drill: Drill, depth: Level) -> bool:
    data = [each.result for each in drill.levels if "L5" <= each.level <= min(depth, "L6")]
    return drill.verdict == "proven" or (drill.verdict == "restored" and all(result == "passed" for result in data))
