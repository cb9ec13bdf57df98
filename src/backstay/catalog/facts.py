"""The newest facts about each workload: references, renewed in the transaction of each write that may move them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, select, update

from backstay.domain.drills import Drill
from backstay.domain.points import NEVER_COUNTS, SKEW, RestorePoint
from backstay.domain.runs import Run
from backstay.ports.catalog import Facts

from . import rows
from .statements import all_of, put
from .tables import drill, restore_point, run, workload_facts

COUNTING = restore_point.c.state.not_in(sorted(NEVER_COUNTS))


def hold(db: Connection, workload: str) -> None:
    """Make others who write about this workload wait until this transaction has ended.

    Without it two writers on PostgreSQL, who do not see each other's rows yet, could leave the older one as the newest.
    """
    put(db, workload_facts, {"workload": workload})


def renew_run(db: Connection, workload: str) -> None:
    _renew(db, workload, last_run=_newest(run.c.run_id, run.c.requested_at, run.c.workload == workload))


def renew_point(db: Connection, workload: str, now: datetime) -> None:
    """What a clock dated that was ahead stands only while there is no other: nobody knows how old it is."""
    point, as_of = restore_point.c.point, restore_point.c.as_of
    believed = as_of <= now + SKEW
    mine = (restore_point.c.workload == workload) & COUNTING
    newest = select(point).where(mine).order_by(believed.desc(), as_of.desc(), point.desc()).limit(1)
    _renew(db, workload, last_point=newest)


def renew_drill(db: Connection, workload: str) -> None:
    mine = drill.c.workload == workload
    _renew(
        db,
        workload,
        last_drill=_newest(drill.c.drill, drill.c.started_at, mine),
        last_proven=_newest(drill.c.drill, drill.c.started_at, mine, drill.c.verdict == "proven"),
    )


def read(db: Connection) -> dict[str, Facts]:
    """By workload. As many rows are read as there are facts, however long their history."""
    kept = workload_facts.c
    runs = {found.run_id: found for found in all_of(db, _named(rows.RUN, kept.last_run), Run)}
    points = {found.point: found for found in all_of(db, _named(rows.POINT, kept.last_point), RestorePoint)}
    # The last drill is most often the last proven one as well, and then read once.
    others = _named(rows.DRILL, kept.last_proven).where(kept.last_proven != kept.last_drill)
    found_drills = all_of(db, _named(rows.DRILL, kept.last_drill), Drill) + all_of(db, others, Drill)
    drills = {found.drill: found for found in found_drills}
    query = select(kept.workload, kept.last_run, kept.last_point, kept.last_proven, kept.last_drill)
    return {
        workload: Facts(runs.get(last_run), points.get(last_point), drills.get(last_proven), drills.get(last_drill))
        for workload, last_run, last_point, last_proven, last_drill in db.execute(query)
    }


def _newest(name: Column[Any], moment: Column[Any], *where: ColumnElement[bool]) -> Select[Any]:
    return select(name).where(*where).order_by(moment.desc(), name.desc()).limit(1)


def _renew(db: Connection, workload: str, **newest: Select[Any]) -> None:
    values = {name: query.scalar_subquery() for name, query in newest.items()}
    db.execute(update(workload_facts).where(workload_facts.c.workload == workload).values(values))


def _named(columns: rows.Columns, fact: Column[Any]) -> Select[*tuple[Any, ...]]:
    # The first column is the name.
    return select(*columns).where(columns[0] == fact)
