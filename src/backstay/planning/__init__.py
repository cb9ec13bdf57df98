"""Decisions that explain themselves: what is due, in which order and when it runs, and what to advise."""
