"""Decisions while jobs run: fair rates, streams and links that give way, and what it was that decided."""
