from __future__ import annotations

import time

import pytest
from sqlalchemy import Connection, text

from backstay.catalog import facts
from backstay.catalog.address import read_address
from backstay.catalog.catalog import open_catalog
from backstay.catalog.connection import connect, writer
from backstay.ports.catalog import Catalog
from backstay.ports.catalog_samples import a_drill, an_evidence
from catalog.still_clock import StillClock

WORKLOADS = 1000
MOMENT = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1700000000 + i * 60, 'unixepoch')",
    "postgresql": "to_timestamp(1700000000 + i * 60)",
}
POINTS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - 1)
INSERT INTO restore_point (point, run_id, workload, kind, engine, target, level, as_of, taken_at,
                           bytes, snapshot, nonce, state, needs)
SELECT 'point-' || i, 'run-' || i, 'workload-' || (i % {workloads}), 'files', 'restic', 'vault', 'incr', {moment},
       {moment}, 1000000, 'snapshot', 'nonce', CASE i % 7 WHEN 0 THEN 'incomplete' ELSE 'verified' END, '[]' FROM n
"""
RUNS = """
INSERT INTO run (run_id, workload, engine, target, level, requested_at, reason, attempts, started_at, ended_at, result,
                 point, warnings)
SELECT run_id, workload, engine, target, level, as_of, 'due', 1, as_of, taken_at, 'done', point, '[]' FROM restore_point
"""


def fill(address: str, count: int) -> Catalog:
    """A catalog with so many points and runs, and a proven drill for each workload."""
    catalog = open_catalog(address, StillClock())
    engine = connect(read_address(address))
    with writer(engine).begin() as db:
        db.execute(text(POINTS.format(count=count, workloads=WORKLOADS, moment=MOMENT[db.dialect.name])))
        db.execute(text(RUNS))
        for number in range(WORKLOADS):
            renew(db, f"workload-{number}")
    engine.dispose()
    for number in range(1, WORKLOADS + 1):
        catalog.add_drill(a_drill(number, f"workload-{number - 1}"), an_evidence(number))
    return catalog


def renew(db: Connection, workload: str) -> None:
    facts.hold(db, workload)
    facts.renew_run(db, workload)
    facts.renew_point(db, workload)


def seconds_for_facts(catalog: Catalog) -> float:
    started = time.perf_counter()
    found = catalog.facts()
    taken = time.perf_counter() - started
    assert len(found) == WORKLOADS
    assert all(fact.last_run and fact.last_point and fact.last_proven and fact.last_drill for fact in found.values())
    return taken


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_the_facts_of_a_thousand_workloads_take_a_tenth_of_a_second(count: int, address: str) -> None:
    catalog = fill(address, count)
    # The quickest of several: a busy machine adds time, and nothing takes time away.
    taken = min(seconds_for_facts(catalog) for _ in range(5))
    print(f"{count} points, {address.partition(':')[0]}: {taken * 1000:.0f} ms")
    catalog.close()
    assert taken < 0.1
