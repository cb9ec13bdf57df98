"""Backup workflows that are planned, run and proven."""

__version__ = "0.1.0"
