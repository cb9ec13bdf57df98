"""`compare` and `simulate`: the estate under other rules, and in the coming days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from backstay.planning.calendar.agenda import Calendars
from backstay.planning.days import Gap as Gap
from backstay.planning.foresight import full_night, subjects_of
from backstay.planning.network import resources_of, told
from backstay.planning.patterns.arranging import every_pattern
from backstay.planning.patterns.known import choose, compared
from backstay.planning.simulating import simulate as simulated_days
from backstay.planning.unhindered import plan_lightly

from .standing import ended_facts, standings
from .wiring import Opened


@dataclass(frozen=True, slots=True)
class PatternView:
    """One pattern on this estate: `ratio` over the least possible, `late` workloads that end too late, `peak` the most
    jobs at once, `unplaced` those that its window has no room for."""

    name: str
    makespan_s: float
    ratio: float
    late: int
    peak: int
    unplaced: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class CompareView:
    """The patterns, best first."""

    bound_s: float
    binding: str
    chosen: str
    why: str
    measured: int
    workloads: int
    patterns: tuple[PatternView, ...]


def compare(house: Opened) -> CompareView:
    """A night in which every workload runs once, by each pattern and by the plan."""
    stands = [stand for stand in standings(house) if stand.workload.exempt is None]
    night = full_night(house.estate, stands, house.clock.now())
    schedules = every_pattern(night)
    bound = schedules["planner"].bound
    window_s = min((demand.deadline_s for demand in night.demands), default=0.0)
    rules = choose(house.estate.workflow, night, window_s)
    rows = compared(schedules, bound.knee_s)
    return CompareView(
        bound_s=round(bound.knee_s, 3),
        binding=told(bound.binding),
        chosen=rules.name,
        why=rules.why,
        measured=sum(stand.measured for stand in stands),
        workloads=len(stands),
        patterns=tuple(
            PatternView(
                row.name, round(row.makespan_s, 3), round(row.ratio, 3), row.late, row.peak, row.unplaced,
                row.name == rules.name,
            )
            for row in rows
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DayView:
    """One local day: runs that begin on it, how long anything runs, the most at once, how many runs are outside their
    window or have none, and the verifies and drills that fall on it."""

    day: date
    runs: int
    busy_s: float
    peak: int
    outside: int
    verifies: int
    drills: int


@dataclass(frozen=True, slots=True)
class StorageView:
    """What is stored at the end of a day if nothing expires, since the simulation began."""

    day: date
    bytes: int


@dataclass(frozen=True, slots=True)
class SimulateView:
    """The coming days. `balance` is, by resource, the most loaded day over the mean; 1 is even."""

    days: tuple[DayView, ...]
    gaps: tuple[Gap, ...]
    storage: tuple[StorageView, ...]
    balance: dict[str, float]
    measured: int
    workloads: int


def simulate(house: Opened, days: int) -> SimulateView:
    """The planner under a pretend clock: runs, gaps, storage, drills."""
    now, zone = house.clock.now(), ZoneInfo(house.estate.timezone)
    stands = [stand for stand in standings(house) if stand.workload.exempt is None]
    facts = ended_facts(house)
    proven = {name: known.last_proven.ended_at for name, known in facts.items() if known.last_proven}
    until = now + timedelta(days=days + 3)
    simulation = simulated_days(
        subjects_of(house.estate, stands, proven),
        resources_of(house.estate, now, until),
        Calendars(house.estate, zone),
        plan_lightly,
        zone,
        now,
        days,
    )
    return SimulateView(
        days=tuple(
            DayView(
                day.day, len(day.workloads), round(day.busy_s, 1), day.peak, day.outside,
                sum(chore.work == "verify" for chore in day.chores), sum(chore.work == "drill" for chore in day.chores),
            )
            for day in simulation.days[:days]
        ),
        gaps=simulation.gaps,
        storage=tuple(StorageView(day, round(size)) for day, size in simulation.storage[:days]),
        balance={told(key): round(evenness, 2) for key, evenness in simulation.balance.items()},
        measured=sum(stand.measured for stand in stands),
        workloads=len(stands),
    )  # fmt: skip
