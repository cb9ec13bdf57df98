"""An estate with many workloads and a long history, written straight into a catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, text

from backstay.catalog import facts
from backstay.catalog.address import read_address
from backstay.catalog.catalog import open_catalog
from backstay.catalog.connection import connect, writer
from backstay.domain.runs import Run
from backstay.host.clock import SystemClock

# Each workload has one point a day, the newest of them half an hour ago; each run took a minute.
POINTS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :points - 1)
INSERT INTO restore_point (point, run_id, workload, kind, engine, target, level, as_of, taken_at,
                           bytes, snapshot, nonce, state, needs)
SELECT printf('%012x', i), 'run-' || i, printf('w%04d', i % :workloads), 'files', 'restic', 'vault', 'full', began,
       ended, 1000000, 'snapshot', 'nonce', 'verified', '[]'
FROM (SELECT i, strftime('%Y-%m-%dT%H:%M:%S.000000Z', :now - 1800 - 86400 * (i / :workloads), 'unixepoch') AS began,
             strftime('%Y-%m-%dT%H:%M:%S.000000Z', :now - 1740 - 86400 * (i / :workloads), 'unixepoch') AS ended FROM n)
"""
RUNS = """
INSERT INTO run (run_id, workload, engine, target, level, requested_at, reason, attempts, started_at, ended_at, result,
                 point, warnings)
SELECT run_id, workload, engine, target, level, as_of, 'due', 1, as_of, taken_at, 'done', point, '[]' FROM restore_point
"""


def write_history(root: Path, workloads: int, points: int) -> dict[str, str]:
    """Estate, state folder and catalog under `root`; the environment that leads to them."""
    names = [f"w{number:04d}" for number in range(workloads)]
    _write_estate(root, names)
    state = root / "state"
    state.mkdir(mode=0o700)
    address = f"sqlite:///{state / 'catalog.db'}"
    clock = SystemClock()
    open_catalog(address, clock).close()
    engine = connect(read_address(address))
    with writer(engine).begin() as db:
        counts = {"points": points, "workloads": workloads, "now": int(clock.now().timestamp())}
        db.execute(text(POINTS), counts)
        db.execute(text(RUNS))
        for name in names:
            _renew(db, name)
    engine.dispose()
    return {"BACKSTAY_ESTATE": str(root / "estate.yaml"), "BACKSTAY_STATE": str(state)}


def _write_estate(root: Path, names: list[str]) -> None:
    root.mkdir(parents=True)
    head = f"estate: many\ntargets:\n  vault: {{url: {root}/vault}}\npolicies:\n  p: {{rpo: 24h, keep: {{daily: 7}}}}\n"
    lines = [f"  {name}: {{kind: files, paths: [{root}/source/{name}], policy: p}}" for name in names]
    (root / "estate.yaml").write_text(head + "workloads:\n" + "\n".join(lines) + "\n")


def _renew(db: Connection, workload: str) -> None:
    facts.hold(db, workload)
    facts.renew_run(db, workload)
    facts.renew_point(db, workload, datetime.now(UTC))


def remembered(state: Path, works: Mapping[str, tuple[str, int]], rate: float, prep_s: float) -> None:
    """A catalog in the folder `state` that knows one earlier night: by workload its target and the bytes that moved."""
    state.mkdir(mode=0o700)
    clock = SystemClock()
    catalog = open_catalog(f"sqlite:///{state / 'catalog.db'}", clock)
    began = clock.now() - timedelta(days=1)
    for number, (name, (target, size)) in enumerate(works.items()):
        moving = timedelta(seconds=size / rate)
        run = Run(f"earlier-{number}", name, "restic", target, "full", began, "due", started_at=began)
        catalog.add_run(run)
        ended = began + timedelta(seconds=prep_s) + moving
        catalog.save_run(replace(run, result="done", ended_at=ended, bytes_moved=size, moving_s=moving.total_seconds()))
    catalog.close()
