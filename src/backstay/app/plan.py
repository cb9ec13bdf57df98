"""`plan`: what runs when, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backstay.planning.advising import advice_for
from backstay.planning.jobs import Job as Job
from backstay.planning.live.attribution import together
from backstay.planning.plan import Plan, plan_ahead, plan_now

from .standing import standings
from .views import LatelyView, error_fields, lately_view
from .wiring import Opened

LATELY = timedelta(days=1)
"""How far we look back at what held the runs."""

MOST_RUNS = 1000
"""The newest runs that are looked at; where they do not reach back so far, it is said how far they do."""


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan as documents show it. `ratio` is what it takes over what physics and slots allow; `reliefs` say what would
    shorten it; `impossible` holds objectives that no plan can keep, with a counter-offer each; `lately` is what was
    measured."""

    workflow: str
    why: str
    from_at: datetime
    until_at: datetime
    jobs: tuple[Job, ...]
    bound_s: float
    makespan_s: float
    ratio: float
    binding: str
    reliefs: tuple[str, ...]
    late: tuple[str, ...]
    impossible: tuple[dict[str, Any], ...]
    lately: LatelyView


def plan(house: Opened, *, hours: float = 24, due: bool = False) -> PlanView:
    """The coming hours, or with `due` only what must start now."""
    now = house.clock.now()
    stands = standings(house)
    horizon = timedelta(hours=hours)
    decided = plan_now(house.estate, stands, now, asked=None) if due else plan_ahead(house.estate, stands, now, horizon)
    return PlanView(
        workflow=decided.workflow,
        why=decided.why,
        from_at=now,
        until_at=now + horizon,
        jobs=decided.jobs,
        bound_s=round(decided.bound_s, 3),
        makespan_s=round(decided.makespan_s, 3),
        ratio=round(decided.makespan_s / decided.bound_s, 3) if decided.bound_s else 1.0,
        binding=decided.binding,
        reliefs=_reliefs(decided),
        late=decided.late,
        impossible=tuple(error_fields(error) for error in decided.impossible),
        lately=_lately(house, now - LATELY),
    )


def _lately(house: Opened, since: datetime) -> LatelyView:
    newest = house.catalog.runs(limit=MOST_RUNS)
    if len(newest) == MOST_RUNS:
        since = max(since, newest[-1].requested_at)
    return lately_view(since, together(run for run in newest if run.requested_at >= since and run.result))


def _reliefs(decided: Plan) -> tuple[str, ...]:
    if decided.night is None or decided.schedule is None or len(decided.night.demands) < 2:
        return ()
    return tuple(relief.text for relief in advice_for(decided.night, decided.schedule))
