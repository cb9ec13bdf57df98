"""The first tables: runs, restore points, drills, evidence, and the newest facts about each workload."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("result IS NULL")


def upgrade() -> None:
    op.create_table(
        "evidence",
        sa.Column("number", SERIAL, autoincrement=False, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("record", NAME, nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("previous", NAME),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "repository_inventory",
        sa.Column("target", NAME, nullable=False),
        sa.Column("engine", NAME, nullable=False),
        sa.Column("repository", NAME, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("pieces", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("target", "engine", "repository"),
    )
    op.create_table(
        "restore_point",
        sa.Column("point", NAME, nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("workload", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("engine", NAME, nullable=False),
        sa.Column("target", NAME, nullable=False),
        sa.Column("level", NAME, nullable=False),
        sa.Column("as_of", TIME, nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("snapshot", NAME, nullable=False),
        sa.Column("nonce", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("needs", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("point"),
    )
    op.create_index("restore_point_newest", "restore_point", ["as_of", "point"])
    op.create_index("restore_point_newest_of_workload", "restore_point", ["workload", "as_of", "point"])
    op.create_index("restore_point_of_run", "restore_point", ["run_id"], unique=True)
    op.create_table(
        "run",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("workload", NAME, nullable=False),
        sa.Column("engine", NAME, nullable=False),
        sa.Column("target", NAME, nullable=False),
        sa.Column("level", NAME, nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("ended_at", TIME),
        sa.Column("result", NAME),
        sa.Column("bytes_read", sa.BigInteger()),
        sa.Column("bytes_added", sa.BigInteger()),
        sa.Column("point", NAME),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("error", sa.JSON()),
        sa.Column("cancel_requested_at", TIME),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("run_newest", "run", ["requested_at", "run_id"])
    op.create_index("run_newest_of_workload", "run", ["workload", "requested_at", "run_id"])
    op.create_index("run_open", "run", ["requested_at", "run_id"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_table(
        "drill",
        sa.Column("drill", NAME, nullable=False),
        sa.Column("workload", NAME, nullable=False),
        sa.Column("point", NAME, nullable=False),
        sa.Column("as_of", TIME, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=False),
        sa.Column("verdict", NAME, nullable=False),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.Column("rto_s", sa.Float()),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("evidence", SERIAL, nullable=False),
        sa.ForeignKeyConstraint(["evidence"], ["evidence.number"]),
        sa.PrimaryKeyConstraint("drill"),
    )
    op.create_index("drill_newest", "drill", ["started_at", "drill"])
    op.create_index("drill_newest_of_workload", "drill", ["workload", "started_at", "drill"])
    op.create_table(
        "fingerprint",
        sa.Column("point", NAME, nullable=False),
        sa.Column("method", NAME, nullable=False),
        sa.Column("amount_bytes", sa.BigInteger()),
        sa.Column("amount_items", sa.BigInteger()),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["point"], ["restore_point.point"]),
        sa.PrimaryKeyConstraint("point"),
    )
    op.create_table(
        "run_note",
        sa.Column("number", SERIAL, nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("level", NAME, nullable=False),
        sa.Column("text", NAME, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"]),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("run_note_of_run", "run_note", ["run_id", "at", "number"])
    op.create_table(
        "run_progress",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("phase", NAME, nullable=False),
        sa.Column("done", sa.BigInteger()),
        sa.Column("total", sa.BigInteger()),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"]),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_table(
        "workload_facts",
        sa.Column("workload", NAME, nullable=False),
        sa.Column("last_run", NAME),
        sa.Column("last_point", NAME),
        sa.Column("last_proven", NAME),
        sa.Column("last_drill", NAME),
        sa.ForeignKeyConstraint(["last_drill"], ["drill.drill"]),
        sa.ForeignKeyConstraint(["last_point"], ["restore_point.point"]),
        sa.ForeignKeyConstraint(["last_proven"], ["drill.drill"]),
        sa.ForeignKeyConstraint(["last_run"], ["run.run_id"]),
        sa.PrimaryKeyConstraint("workload"),
    )
