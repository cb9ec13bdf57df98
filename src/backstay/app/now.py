"""The time, for documents of commands that open no estate."""

from __future__ import annotations

from datetime import datetime

from backstay.host.clock import SystemClock


def now() -> datetime:
    """The current moment in UTC."""
    return SystemClock().now()
