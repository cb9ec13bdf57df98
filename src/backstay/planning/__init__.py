"""Decisions: what is due, when it runs, what expires; pure functions that explain themselves."""
