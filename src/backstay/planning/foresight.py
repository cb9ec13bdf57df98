"""The estate as a night in which every workload runs once, to compare patterns on; and as subjects of a simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from backstay.domain.estate import Estate

from .calendar.agenda import Calendars, Entry
from .calendar.chores import Cadence
from .network import host_key, resources_of, way_of
from .night.model import Demand, Night
from .nights import demand_of, night_of
from .objectives import Standing
from .simulating import Subject

_AHEAD = timedelta(days=3)


def full_night(estate: Estate, standings: Sequence[Standing], now: datetime) -> Night:
    """Every workload that is owed a backup, once, from the next opening of a window on (or from now, without one).

    A workload of a window should have ended when that closes, any other within its RPO.
    """
    calendars = Calendars(estate, ZoneInfo(estate.timezone))
    active = [stand for stand in standings if stand.workload.exempt is None]
    windows = {stand.workload.owed.window for stand in active} - {None}
    openings = [opening for name in windows if (opening := _opening(calendars, name, now))]
    begin = min(openings, default=now)
    return night_of(
        (_demand(estate, calendars, stand, begin) for stand in active),
        resources_of(estate, begin, begin + _AHEAD),
    )


def _opening(calendars: Calendars, window: str | None, now: datetime) -> datetime | None:
    """When it opens next; a night that is under way already counts from its own opening."""
    calendar = calendars.of(window)
    night = calendar.coming(now) if calendar else None
    return night.opens_at if night else None


def _demand(estate: Estate, calendars: Calendars, stand: Standing, begin: datetime) -> Demand:
    workload = stand.workload
    demand = demand_of(workload.name, estate, stand, estate.target_of(workload), begin)
    calendar = calendars.of(workload.owed.window)
    if calendar is None:
        return replace(demand, deadline_s=workload.owed.rpo.total_seconds())
    opened = tuple(
        ((opens - begin).total_seconds(), (closes - begin).total_seconds())
        for opens, closes in calendar.intervals(begin, begin + _AHEAD)
    )
    stop = calendars.stops(str(workload.owed.window))
    return replace(demand, deadline_s=opened[0][1], open=opened, stop=stop) if opened else demand


def entries_of(standings: Sequence[Standing], running: Sequence[str] = ()) -> tuple[Entry, ...]:
    """The workloads as the scheduler takes them. One whose last run failed is due as if it had no point."""
    return tuple(
        Entry(
            stand.workload.name,
            stand.workload.owed.rpo,
            stand.estimate,
            stand.workload.owed.window,
            None if stand.state == "failing" else stand.as_of,
            stand.workload.name in running,
        )
        for stand in standings
        if stand.workload.exempt is None
    )


def subjects_of(estate: Estate, standings: Sequence[Standing], proven: Mapping[str, datetime]) -> tuple[Subject, ...]:
    """The same with what their runs need, and the drills and verifies that they are owed."""
    entries = {entry.workload: entry for entry in entries_of(standings)}
    return tuple(
        Subject(
            entry=entries[stand.workload.name],
            volume=stand.volume,
            own_rate=stand.own_rate,
            prep_s=stand.prep_s,
            resources=way_of(estate, stand.workload, estate.target_of(stand.workload)),
            after=stand.workload.after,
            kind=stand.workload.kind,
            group=stand.workload.group,
            added=stand.volume,
            chores=_chores(stand, proven.get(stand.workload.name), ZoneInfo(estate.timezone)),
        )
        for stand in standings
        if stand.workload.exempt is None
    )


def _chores(stand: Standing, proven: datetime | None, zone: ZoneInfo) -> tuple[Cadence, ...]:
    """A drill and a verify take about as long as the backup, on this machine."""
    policy, takes = stand.workload.owed, stand.estimate.total_seconds()
    last = proven.astimezone(zone).date() if proven else None
    owed = (("drill", policy.drill, last), ("verify", policy.verify, None))
    return tuple(Cadence(work, every, takes, host_key(None), since) for work, every, since in owed if every)
