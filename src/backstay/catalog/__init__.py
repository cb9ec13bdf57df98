"""Runs, restore points and evidence in SQLite or PostgreSQL."""
