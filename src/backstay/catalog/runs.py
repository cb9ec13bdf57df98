"""Runs, how far they are, and their logs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, or_, select, update

from backstay.domain.errors import InvariantBroken
from backstay.domain.points import SKEW
from backstay.domain.runs import Run, RunNote, RunProgress
from backstay.ports.catalog import Measured

from . import facts, rows
from .statements import add_once, all_of, one_of, put
from .tables import run as runs_table
from .tables import run_note, run_progress


def add(db: Connection, run: Run) -> Run:
    facts.hold(db, run.workload)
    if not add_once(db, runs_table, rows.row_of(run)):
        return _known(db, run.run_id)
    facts.renew_run(db, run.workload)
    return run


def ask_for(db: Connection, run: Run, since: datetime | None) -> Run:
    facts.hold(db, run.workload)
    is_open, asked_at = runs_table.c.result.is_(None), runs_table.c.requested_at
    answers = is_open if since is None else or_(is_open, asked_at.between(since, run.requested_at + SKEW))
    same = (runs_table.c.workload == run.workload) & (runs_table.c.target == run.target)
    query = select(*rows.RUN).where(same, answers).order_by(asked_at.desc()).limit(1)
    return one_of(db, query, Run) or add(db, run)


def save(db: Connection, run: Run) -> None:
    facts.hold(db, run.workload)
    still_open = (runs_table.c.run_id == run.run_id) & runs_table.c.result.is_(None)
    if db.execute(update(runs_table).where(still_open).values(rows.row_of(run))).rowcount == 0:
        _known(db, run.run_id)
    facts.renew_run(db, run.workload)


def one(db: Connection, run_id: str) -> Run | None:
    return one_of(db, select(*rows.RUN).where(runs_table.c.run_id == run_id), Run)


def newest(db: Connection, workload: str | None, open_only: bool, limit: int | None) -> Sequence[Run]:
    query = select(*rows.RUN).order_by(runs_table.c.requested_at.desc(), runs_table.c.run_id.desc()).limit(limit)
    if workload is not None:
        query = query.where(runs_table.c.workload == workload)
    if open_only:
        query = query.where(runs_table.c.result.is_(None))
    return all_of(db, query, Run)


def measured(db: Connection, workload: str, target: str, limit: int) -> Sequence[Measured]:
    asked = {"workload": workload, "target": target, "limit": limit}
    return [
        Measured((ended - started).total_seconds(), *moving) for started, ended, *moving in db.execute(_MEASURED, asked)
    ]


def _measured() -> Select[Any]:
    mine = (runs_table.c.workload == bindparam("workload")) & (runs_table.c.target == bindparam("target"))
    whole = runs_table.c.started_at.is_not(None) & runs_table.c.ended_at.is_not(None)
    columns = ("started_at", "ended_at", "bytes_moved", "moving_s", "own_rate")
    query = select(*(runs_table.c[name] for name in columns)).where(mine, runs_table.c.result == "done", whole)
    return query.order_by(runs_table.c.requested_at.desc(), runs_table.c.run_id.desc()).limit(bindparam("limit"))


_MEASURED = _measured()
"""Made once: it is asked for each workload of an estate, and making it takes as long as the answer."""


def request_cancel(db: Connection, run_id: str, at: datetime) -> bool:
    still_open = (runs_table.c.run_id == run_id) & runs_table.c.result.is_(None)
    return db.execute(update(runs_table).where(still_open).values(cancel_requested_at=at)).rowcount == 1


def cancel_requested(db: Connection, run_id: str) -> bool:
    query = select(runs_table.c.cancel_requested_at).where(runs_table.c.run_id == run_id)
    return db.scalar(query) is not None


def beat(db: Connection, progress: RunProgress) -> None:
    put(db, run_progress, rows.row_of(progress))


def progress(db: Connection, run_id: str) -> RunProgress | None:
    return one_of(db, select(*rows.PROGRESS).where(run_progress.c.run_id == run_id), RunProgress)


def note(db: Connection, line: RunNote) -> None:
    db.execute(insert(run_note).values(rows.row_of(line)))


def notes(db: Connection, run_id: str) -> Sequence[RunNote]:
    query = select(*rows.NOTE).where(run_note.c.run_id == run_id).order_by(run_note.c.at, run_note.c.number)
    return all_of(db, query, RunNote)


def _known(db: Connection, run_id: str) -> Run:
    found = one(db, run_id)
    if found is None:
        raise InvariantBroken(f"run {run_id} was never added to the catalog", subject=run_id)
    return found
