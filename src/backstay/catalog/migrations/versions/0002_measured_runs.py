"""Runs know when they may start and were admitted, and what their moving of bytes was measured to be."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    op.add_column("run", sa.Column("start_by", TIME))
    op.add_column("run", sa.Column("stop_at", TIME))
    op.add_column("run", sa.Column("admitted_at", TIME))
    op.add_column("run", sa.Column("bytes_moved", sa.BigInteger()))
    op.add_column("run", sa.Column("moving_s", sa.Float()))
    op.add_column("run", sa.Column("own_rate", sa.BigInteger()))
    op.add_column("run", sa.Column("bound_by", NAME))
