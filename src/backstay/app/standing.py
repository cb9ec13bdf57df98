"""How every workload stands now: facts from the catalog, judged by the planner."""

from __future__ import annotations

from backstay.planning.objectives import Standing, standing
from backstay.ports.catalog import Facts

from .wiring import Opened


def standings(house: Opened) -> tuple[Standing, ...]:
    """One for each workload of the estate file, in its order."""
    facts = house.catalog.facts()
    now = house.clock.now()
    return tuple(
        standing(
            workload,
            facts.get(workload.name, Facts()),
            () if workload.exempt else house.catalog.durations(workload.name, house.estate.target_of(workload).name),
            now,
        )
        for workload in house.estate.workloads.values()
    )
