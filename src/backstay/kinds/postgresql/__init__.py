"""PostgreSQL databases: dumped and fingerprinted in one snapshot, raised again in a private cluster."""

from .kind import PostgresqlKind

__all__ = ["PostgresqlKind"]
