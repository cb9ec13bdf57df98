"""Drills and evidence: what to restore, how to judge it, how to seal the record."""
