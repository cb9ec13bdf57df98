"""Spans of time as an estate file writes them."""

from __future__ import annotations

from datetime import timedelta

SECONDS = {"y": 365 * 86400, "w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
"""What each unit means; a year is 365 days."""


def span_text(span: timedelta) -> str:
    """The span in its largest whole unit, down to seconds.

    >>> span_text(timedelta(hours=36)), span_text(timedelta(days=14))
    ('36h', '2w')
    """
    seconds = round(span.total_seconds())
    for unit, size in SECONDS.items():
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
