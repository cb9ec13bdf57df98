"""Drills and the chain of evidence."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from backstay.domain.drills import Drill, Evidence
from backstay.domain.errors import InvariantBroken, Unavailable

from . import facts, rows
from .statements import add_once, all_of, one_of
from .tables import drill as drills
from .tables import evidence as sealed


def add(db: Connection, drill: Drill, evidence: Evidence) -> None:
    facts.hold(db, drill.workload)
    if db.scalar(select(drills.c.drill).where(drills.c.drill == drill.drill)) is not None:
        return
    _append(db, evidence)
    db.execute(insert(drills).values(rows.row_of(drill) | {"evidence": evidence.number}))
    facts.renew_drill(db, drill.workload)


def newest(db: Connection, workload: str | None, limit: int | None) -> Sequence[Drill]:
    query = select(*rows.DRILL).order_by(drills.c.started_at.desc(), drills.c.drill.desc()).limit(limit)
    if workload is not None:
        query = query.where(drills.c.workload == workload)
    return all_of(db, query, Drill)


def last_evidence(db: Connection) -> Evidence | None:
    return one_of(db, select(*rows.EVIDENCE).order_by(sealed.c.number.desc()).limit(1), Evidence)


def evidence(db: Connection, number: int) -> Evidence | None:
    return one_of(db, select(*rows.EVIDENCE).where(sealed.c.number == number), Evidence)


def _append(db: Connection, evidence: Evidence) -> None:
    last = last_evidence(db)
    number, previous = (last.number + 1, last.digest) if last else (1, None)
    if evidence.number > number or (evidence.number == number and evidence.previous != previous):
        raise InvariantBroken(f"evidence {evidence.number} does not continue the chain", subject="evidence")
    # On PostgreSQL somebody else's evidence may be on its way in unseen; the insert waits for it and then finds it.
    if evidence.number < number or not add_once(db, sealed, rows.row_of(evidence)):
        raise Unavailable(
            f"evidence {evidence.number} has been taken by another record meanwhile",
            subject="evidence",
            hint="Seal the record again, upon the newest evidence.",
        )
