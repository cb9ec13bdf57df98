"""SQLite databases: copied and counted in one read transaction, compared byte by byte after a restore."""

from .kind import SqliteKind

__all__ = ["SqliteKind"]
