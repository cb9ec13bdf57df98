"""The tables as they are at the head of the migrations."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, LargeBinary, MetaData, Table

from backstay.domain.drills import LevelResult
from backstay.domain.findings import Finding
from backstay.domain.runs import ErrorRecord

from .columns import COUNT, SERIAL, Name, Small, UtcTime

NAMES = Small(tuple)
FACTS = Small(dict)
ERROR = Small(lambda kept: ErrorRecord(**kept))
LEVELS = Small(lambda kept: tuple([LevelResult(**level) for level in kept]))
FINDINGS = Small(lambda kept: tuple([Finding(**finding) for finding in kept]))

metadata = MetaData()

run = Table(
    "run",
    metadata,
    Column("run_id", Name, primary_key=True),
    Column("workload", Name, nullable=False),
    Column("engine", Name, nullable=False),
    Column("target", Name, nullable=False),
    Column("level", Name, nullable=False),
    Column("requested_at", UtcTime, nullable=False),
    Column("reason", Name, nullable=False),
    Column("attempts", COUNT, nullable=False),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("result", Name),
    Column("bytes_read", COUNT),
    Column("bytes_added", COUNT),
    Column("point", Name),
    Column("warnings", NAMES, nullable=False),
    Column("error", ERROR),
    Column("start_by", UtcTime),
    Column("stop_at", UtcTime),
    Column("admitted_at", UtcTime),
    Column("bytes_moved", COUNT),
    Column("moving_s", Float),
    Column("own_rate", COUNT),
    Column("bound_by", Name),
    Column("cancel_requested_at", UtcTime),
)
Index("run_newest_of_workload", run.c.workload, run.c.requested_at, run.c.run_id)
Index("run_newest", run.c.requested_at, run.c.run_id)
_open = run.c.result.is_(None)
Index("run_open", run.c.requested_at, run.c.run_id, sqlite_where=_open, postgresql_where=_open)

run_progress = Table(
    "run_progress",
    metadata,
    Column("run_id", Name, ForeignKey("run.run_id"), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("phase", Name, nullable=False),
    Column("done", COUNT),
    Column("total", COUNT),
)

run_note = Table(
    "run_note",
    metadata,
    Column("number", SERIAL, primary_key=True),
    Column("run_id", Name, ForeignKey("run.run_id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("level", Name, nullable=False),
    Column("text", Name, nullable=False),
)
Index("run_note_of_run", run_note.c.run_id, run_note.c.at, run_note.c.number)

# `run_id` refers to no row: points that others made are listed here too, and their runs are not ours.
restore_point = Table(
    "restore_point",
    metadata,
    Column("point", Name, primary_key=True),
    Column("run_id", Name, nullable=False),
    Column("workload", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("engine", Name, nullable=False),
    Column("target", Name, nullable=False),
    Column("level", Name, nullable=False),
    Column("as_of", UtcTime, nullable=False),
    Column("taken_at", UtcTime, nullable=False),
    Column("bytes", COUNT, nullable=False),
    Column("snapshot", Name, nullable=False),
    Column("nonce", Name, nullable=False),
    Column("state", Name, nullable=False),
    Column("needs", NAMES, nullable=False),
)
Index("restore_point_of_run", restore_point.c.run_id, unique=True)
Index("restore_point_newest_of_workload", restore_point.c.workload, restore_point.c.as_of, restore_point.c.point)
Index("restore_point_newest", restore_point.c.as_of, restore_point.c.point)

fingerprint = Table(
    "fingerprint",
    metadata,
    Column("point", Name, ForeignKey("restore_point.point"), primary_key=True),
    Column("method", Name, nullable=False),
    Column("amount_bytes", COUNT),
    Column("amount_items", COUNT),
    Column("facts", FACTS, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

repository_inventory = Table(
    "repository_inventory",
    metadata,
    Column("target", Name, primary_key=True),
    Column("engine", Name, primary_key=True),
    Column("repository", Name, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("pieces", LargeBinary, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("number", SERIAL, primary_key=True, autoincrement=False),
    Column("kind", Name, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("record", Name, nullable=False),
    Column("digest", Name, nullable=False),
    Column("previous", Name),
)

# `point` refers to no row: a drill outlives the point that it tested.
drill = Table(
    "drill",
    metadata,
    Column("drill", Name, primary_key=True),
    Column("workload", Name, nullable=False),
    Column("point", Name, nullable=False),
    Column("as_of", UtcTime, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("verdict", Name, nullable=False),
    Column("levels", LEVELS, nullable=False),
    Column("rto_s", Float),
    Column("findings", FINDINGS, nullable=False),
    Column("evidence", SERIAL, ForeignKey("evidence.number"), nullable=False),
)
Index("drill_newest_of_workload", drill.c.workload, drill.c.started_at, drill.c.drill)
Index("drill_newest", drill.c.started_at, drill.c.drill)

workload_facts = Table(
    "workload_facts",
    metadata,
    Column("workload", Name, primary_key=True),
    Column("last_run", Name, ForeignKey("run.run_id")),
    Column("last_point", Name, ForeignKey("restore_point.point")),
    Column("last_proven", Name, ForeignKey("drill.drill")),
    Column("last_drill", Name, ForeignKey("drill.drill")),
)
