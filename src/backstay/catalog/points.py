"""Restore points, their fingerprints, and what should lie in each repository."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from backstay.domain.errors import ConfigError, InvariantBroken
from backstay.domain.points import Fingerprint, Inventory, PointState, RestorePoint

from . import facts, rows
from .statements import all_of, one_of, put
from .tables import fingerprint as fingerprints
from .tables import repository_inventory, restore_point

# Sorts after every other character, on both databases.
LAST_CHARACTER = "\U0010ffff"
SHOWN = 5


def add(db: Connection, point: RestorePoint, fingerprint: Fingerprint | None, now: datetime) -> RestorePoint:
    facts.hold(db, point.workload)
    known = of_run(db, point.run_id)
    if known is not None:
        return known
    db.execute(insert(restore_point).values(rows.row_of(point)))
    if fingerprint is not None:
        db.execute(insert(fingerprints).values(rows.fingerprint_row(point.point, fingerprint)))
    facts.renew_point(db, point.workload, now)
    return point


def by_prefix(db: Connection, prefix: str) -> RestorePoint | None:
    name = restore_point.c.point
    query = select(*rows.POINT).where(name >= prefix, name < prefix + LAST_CHARACTER).order_by(name).limit(SHOWN)
    found = all_of(db, query, RestorePoint)
    # A whole name is meant even where it begins another one; it sorts first.
    if len(found) > 1 and found[0].point != prefix:
        names = ", ".join(point.point for point in found)
        raise ConfigError(
            f"several restore points begin with {prefix!r}",
            subject=prefix,
            hint=f"Write more of the name. Among them are: {names}.",
        )
    return found[0] if found else None


def newest(db: Connection, workload: str | None, counting: bool, limit: int | None) -> Sequence[RestorePoint]:
    query = select(*rows.POINT).order_by(restore_point.c.as_of.desc(), restore_point.c.point.desc()).limit(limit)
    if workload is not None:
        query = query.where(restore_point.c.workload == workload)
    if counting:
        query = query.where(facts.COUNTING)
    return all_of(db, query, RestorePoint)


def of_run(db: Connection, run_id: str) -> RestorePoint | None:
    return one_of(db, select(*rows.POINT).where(restore_point.c.run_id == run_id), RestorePoint)


def set_state(db: Connection, point: str, state: PointState, now: datetime) -> None:
    workload = db.scalar(select(restore_point.c.workload).where(restore_point.c.point == point))
    if workload is None:
        raise InvariantBroken(f"restore point {point} is not in the catalog", subject=point)
    facts.hold(db, workload)
    db.execute(update(restore_point).where(restore_point.c.point == point).values(state=state))
    facts.renew_point(db, workload, now)


def fingerprint(db: Connection, point: str) -> Fingerprint | None:
    return one_of(db, select(*rows.FINGERPRINT).where(fingerprints.c.point == point), rows.fingerprint_of)


def save_inventory(db: Connection, target: str, engine: str, repository: str, inventory: Inventory) -> None:
    key = {"target": target, "engine": engine, "repository": repository}
    put(db, repository_inventory, key | rows.inventory_row(inventory))


def inventory(db: Connection, target: str, engine: str, repository: str) -> Inventory | None:
    kept = repository_inventory.c
    mine = (kept.target == target) & (kept.engine == engine) & (kept.repository == repository)
    return one_of(db, select(*rows.INVENTORY).where(mine), rows.inventory_of)


def stored_in(db: Connection, target: str) -> bool:
    """Whether any repository in this target was ever recorded."""
    return db.execute(select(repository_inventory.c.target).filter_by(target=target).limit(1)).first() is not None
