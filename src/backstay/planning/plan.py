"""Which backups run when and in which order, each with its reasons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf, isfinite
from zoneinfo import ZoneInfo

from backstay.domain.errors import PlanImpossible
from backstay.domain.estate import Estate, Pattern

from .calendar.agenda import Agenda, Calendars, Due
from .calendar.windows import open_for
from .days import SimulatedRun
from .foresight import entries_of, subjects_of
from .jobs import Job
from .network import resources_of, told
from .night.model import Bound, Night, Placement, Resource, Schedule
from .nights import demand_of, night_of
from .objectives import Standing, margin, require_possible, require_room
from .patterns.arranging import arranged
from .patterns.known import choose
from .simulating import simulate

_AHEAD = timedelta(days=3)
_ONE = "pool:one at a time"


@dataclass(frozen=True, slots=True)
class Plan:
    """Decided work. `bound_s` is the least that any plan of it could take, `makespan_s` what this one takes, `binding`
    what decides the bound; where work falls into several nights, of the longest one. `late` are workloads that miss
    their RPO; `impossible` what no order can keep."""

    workflow: str
    why: str
    jobs: tuple[Job, ...]
    bound_s: float
    makespan_s: float
    binding: str
    late: tuple[str, ...] = ()
    impossible: tuple[PlanImpossible, ...] = ()
    night: Night | None = field(default=None, repr=False)
    schedule: Schedule | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A workload whose backup is wanted now, and why. After `start_by` it must not start."""

    stand: Standing
    latest: datetime
    reasons: tuple[str, ...]
    start_by: datetime | None = None
    stop_at: datetime | None = None


def plan_now(estate: Estate, standings: Sequence[Standing], now: datetime, *, asked: Collection[str] | None) -> Plan:
    """What starts now: the workloads that were `asked` for by name, or, with None, those that are due.

    Nobody's window holds back what was asked for by name; the reasons say so. What failed is tried again as long as its
    window is open.
    """
    calendars = Calendars(estate, ZoneInfo(estate.timezone))
    active = [stand for stand in standings if stand.latest_start is not None]
    if asked is None:
        agenda = Agenda(entries_of(active), calendars, now, 0.0)
        return plan_due(estate, active, agenda.tick(now, 0.0, at_once=len(active)), now)
    return _arranged(estate, [_asked(stand, calendars, now) for stand in active if stand.workload.name in asked], now)


def plan_due(estate: Estate, standings: Sequence[Standing], due: Iterable[Due], now: datetime) -> Plan:
    """What the scheduler has handed out at this moment."""
    calendars = Calendars(estate, ZoneInfo(estate.timezone))
    handed_out = {each.workload: each for each in due}
    chosen = ((stand, handed_out[stand.workload.name]) for stand in standings if stand.workload.name in handed_out)
    return _arranged(estate, [_wanted(stand, each, calendars, now) for stand, each in chosen], now)


def _wanted(stand: Standing, due: Due, calendars: Calendars, now: datetime) -> _Wanted:
    window = stand.workload.owed.window if due.night else None
    return _held(stand, calendars, window, now, stand.latest_start or now, _because(stand, due))


def _because(stand: Standing, due: Due) -> tuple[str, ...]:
    return ("the last run failed", *due.reasons[1:]) if stand.state == "failing" else due.reasons


def _may_run(stand: Standing, calendars: Calendars, now: datetime) -> bool:
    calendar = calendars.of(stand.workload.owed.window) or calendars.free
    return calendar.is_open(now)


def _asked(stand: Standing, calendars: Calendars, now: datetime) -> _Wanted:
    why = {"late": "RPO is broken", "failing": "the last run failed", "never": "no restore point yet"}
    reasons = ["asked for", *([why[stand.state]] if stand.state in why else [])]
    if not _may_run(stand, calendars, now):
        window = stand.workload.owed.window
        reasons.append(f"outside its window {window}" if window else "in a blackout")
    return _Wanted(stand, stand.latest_start or now, tuple(reasons))


def _held(
    stand: Standing, calendars: Calendars, window: str | None, now: datetime, latest: datetime, reasons: tuple[str, ...]
) -> _Wanted:
    """What a window holds must start before it closes, and with `stop` have ended then."""
    calendar = calendars.of(window)
    closes = next((close for _, close in calendar.intervals(now, now + _AHEAD)), None) if calendar else None
    stops = closes if window and calendars.stops(window) else None
    return _Wanted(stand, latest, reasons, closes, stops)


def _arranged(estate: Estate, wanted: Sequence[_Wanted], now: datetime) -> Plan:
    names = {each.stand.workload.name: each for each in wanted}
    demands = []
    for name, each in names.items():
        stand = replace(each.stand, latest_start=each.latest)
        demand = demand_of(name, estate, stand, estate.target_of(stand.workload), now)
        demands.append(replace(demand, after=tuple(before for before in demand.after if before in names)))
    night = night_of(demands, resources_of(estate, now, now + _AHEAD))
    rules, schedule = arranged(estate.workflow, night, _window_s(wanted, now))
    jobs = [_job(estate, names[placed.key], placed, now) for placed in schedule.placements]
    return _plan(estate, rules.name, rules.why, jobs, schedule.bound, schedule, [each.stand for each in wanted], night)


def _window_s(wanted: Sequence[_Wanted], now: datetime) -> float:
    """How long the most pressed of them has."""
    ends = (each.start_by or now + each.stand.workload.owed.rpo for each in wanted)
    return min(((end - now).total_seconds() for end in ends), default=inf)


def _job(estate: Estate, wanted: _Wanted, placed: Placement, now: datetime) -> Job:
    most = max((rate for _, rate in placed.rates), default=0.0)
    stand = wanted.stand
    begin, end = (now + timedelta(seconds=moment) for moment in (placed.start_s, placed.end_s))
    return _line(estate, stand, begin, end, wanted.latest, wanted.reasons, most, placed.held_by, wanted)


def _line(
    estate: Estate,
    stand: Standing,
    begin: datetime,
    end: datetime,
    latest: datetime,
    reasons: tuple[str, ...],
    rate: float,
    held_by: str | None,
    wanted: _Wanted | None = None,
) -> Job:
    workload = stand.workload
    return Job(
        workload=workload.name,
        target=estate.target_of(workload).name,
        action="backup",
        start_at=begin,
        end_at=end,
        latest_start_at=latest,
        reasons=(*reasons, *_further(stand, held_by)),
        group=workload.group,
        after=workload.after,
        rate_bytes_per_s=round(rate) if rate and isfinite(rate) else None,
        start_by=wanted.start_by if wanted else None,
        stop_at=wanted.stop_at if wanted else None,
    )


def _further(stand: Standing, held_by: str | None) -> Iterable[str]:
    workload = stand.workload
    if workload.after:
        yield "after " + ", ".join(workload.after)
    if workload.group:
        yield f"close to its group {workload.group}"
    if held_by and held_by not in ("window", *workload.after):
        yield f"waits for {told(held_by)}"
    if held_by == "window" and not workload.owed.window:
        yield "waits for the end of a blackout, or of closed hours on its way"
    if not stand.measured:
        yield "duration not measured yet"


def plan_ahead(estate: Estate, standings: Sequence[Standing], now: datetime, horizon: timedelta) -> Plan:
    """What will start between `now` and `now + horizon`, if backups take as long as they did."""
    zone = ZoneInfo(estate.timezone)
    active = [stand for stand in standings if stand.latest_start is not None]
    by_name = {stand.workload.name: stand for stand in active}
    subjects = subjects_of(estate, active, {})
    resources = resources_of(estate, now, now + horizon + _AHEAD)
    whole = _Recorder("auto")
    pattern, why = _pattern(estate, active, now)
    if pattern == "serial":
        resources[_ONE] = Resource(_ONE, "pool", slots=1)
        subjects = tuple(replace(each, resources=(*each.resources, _ONE)) for each in subjects)
    else:
        whole = _Recorder(pattern)
    days = max(1, -(-horizon // timedelta(days=1)))
    simulation = simulate(subjects, resources, Calendars(estate, zone), whole, zone, now, days)
    runs = [run for run in simulation.runs if run.started_at < now + horizon]
    firsts = {run.workload: run for run in reversed(runs)}
    jobs = [_ahead(estate, by_name[run.workload], run, first=run is firsts[run.workload]) for run in runs]
    longest = max((run.length_s for run in runs), default=0.0)
    bound = whole.schedule.bound if whole.schedule else Bound(longest, longest, "path", {})
    return _plan(estate, pattern, why, jobs, bound, whole.schedule, active, whole.night)


class _Recorder:
    """Plans nights, and remembers the one that takes longest."""

    def __init__(self, workflow: Pattern) -> None:
        self._workflow = workflow
        self.night: Night | None = None
        self.schedule: Schedule | None = None

    def __call__(self, night: Night) -> Schedule:
        # However long the window is: that one after another is too slow was decided for all nights together.
        _, schedule = arranged(self._workflow, night, 0.0)
        if self.schedule is None or schedule.makespan_s > self.schedule.makespan_s:
            self.night, self.schedule = night, schedule
        return schedule


def _pattern(estate: Estate, active: Sequence[Standing], now: datetime) -> tuple[Pattern, str]:
    """`auto` is serial where few workloads fit one after another into the shortest RPO."""
    if estate.workflow != "auto":
        return estate.workflow, "the estate file says so"
    night = night_of(
        (demand_of(s.workload.name, estate, s, estate.target_of(s.workload), now) for s in active),
        resources_of(estate, now, now + _AHEAD),
    )
    shortest = min((_between(stand).total_seconds() for stand in active), default=inf)
    rules = choose("auto", night, shortest)
    return "serial" if rules.name == "serial" else "auto", rules.why


def _between(stand: Standing) -> timedelta:
    """From one start to the next, at most, for its RPO to hold until the second has ended."""
    return stand.workload.owed.rpo - margin(stand.workload.owed.rpo) - stand.estimate


def _ahead(estate: Estate, stand: Standing, run: SimulatedRun, *, first: bool) -> Job:
    due = run.due
    latest = min(due.latest, stand.latest_start or due.latest) if first else due.latest
    reasons = _because(stand, due) if first else due.reasons
    return _line(estate, stand, run.started_at, run.ended_at, latest, reasons, run.rate, run.held_by)


def _plan(
    estate: Estate,
    workflow: str,
    why: str,
    jobs: Sequence[Job],
    bound: Bound,
    schedule: Schedule | None,
    standings: Sequence[Standing],
    night: Night | None,
) -> Plan:
    spans = [(job.end_at - job.start_at).total_seconds() for job in jobs]
    return Plan(
        workflow="planner" if workflow == "auto" else workflow,
        why=why,
        jobs=tuple(sorted(jobs, key=lambda job: (job.start_at, job.latest_start_at, job.workload))),
        bound_s=bound.knee_s,
        makespan_s=schedule.makespan_s if schedule else max(spans, default=0.0),
        binding=told(bound.binding),
        late=tuple(_late(jobs, standings)),
        impossible=tuple(_impossible(estate, standings)),
        night=night,
        schedule=schedule,
    )


def _late(jobs: Sequence[Job], standings: Sequence[Standing]) -> Iterable[str]:
    """Whose RPO does not hold until their backup ends; what has no point yet has none to keep."""
    kept_for = {
        stand.workload.name: stand.estimate + margin(stand.workload.owed.rpo)
        for stand in standings
        if stand.as_of is not None
    }
    late = {
        job.workload
        for job in jobs
        if job.workload in kept_for and job.end_at > job.latest_start_at + kept_for[job.workload]
    }
    return sorted(late)


def _impossible(estate: Estate, standings: Sequence[Standing]) -> Iterable[PlanImpossible]:
    for stand in standings:
        window = estate.windows.get(stand.workload.owed.window or "")
        try:
            require_possible(stand)
            if window is not None:
                require_room(stand, window, open_for(window))
        except PlanImpossible as impossible:
            yield impossible
