"""Names that are derived rather than drawn, so that a repeated step finds its own work."""

from __future__ import annotations

import hashlib


def point_name(run_id: str) -> str:
    """The restore point's name that belongs to a run: twelve hex digits.

    >>> point_name("01JD8") == point_name("01JD8")
    True
    """
    return hashlib.sha256(run_id.encode()).hexdigest()[:12]
