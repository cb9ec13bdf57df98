"""How every workload stands now: facts from the catalog, judged by the planner."""

from __future__ import annotations

from dataclasses import replace

from backstay.domain.runs import Run
from backstay.planning.objectives import Standing, standing
from backstay.ports.catalog import Facts

from .wiring import Opened


def ended_facts(house: Opened) -> dict[str, Facts]:
    """The newest facts by workload, with the last run that has ended: one that is under way says nothing yet."""
    return {
        name: facts if facts.last_run is None or facts.last_run.result else replace(facts, last_run=_ended(house, name))
        for name, facts in house.catalog.facts().items()
    }


def _ended(house: Opened, workload: str) -> Run | None:
    return next((run for run in house.catalog.runs(workload=workload, limit=10) if run.result), None)


def standings(house: Opened) -> tuple[Standing, ...]:
    """One for each workload of the estate file, in its order."""
    facts = ended_facts(house)
    now = house.clock.now()
    active = [workload for workload in house.estate.workloads.values() if not workload.exempt]
    runs = house.catalog.measured({one.name: house.estate.target_of(one).name for one in active})
    return tuple(
        standing(
            workload,
            facts.get(workload.name, Facts()),
            runs.get(workload.name, ()),
            now,
        )
        for workload in house.estate.workloads.values()
    )
