"""A program at another time of day: its clock is set once, before it begins, and goes on from there."""

from __future__ import annotations

from datetime import datetime

import time_machine


def it_is(now: str) -> None:
    time_machine.travel(datetime.fromisoformat(now), tick=True).start()
