"""The minutes of a week as one number, a bit for each, from Monday 00:00 local time: what overlaps and what is left.

Clock changes are left out: they move an hour twice a year, and what is possible only then is not possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from backstay.domain.estate import Weekday

from .values import hours, time_of_day

_DAYS: tuple[str, ...] = get_args(Weekday)
_DAY = 24 * 60
_WEEK = 7 * _DAY

ALL = (1 << _WEEK) - 1


def minutes(written: Any, days: Sequence[str] = ()) -> int:
    """The minutes of `HH:MM-HH:MM`, begun on each of these days, or on all; none if it is not written so."""
    try:
        begin, end = (_since_midnight(part) for part in hours(written).split("-"))
    except ValueError:
        return 0
    length = (end - begin) % _DAY
    once = sum(1 << (place * _DAY) for place, day in enumerate(_DAYS) if not days or day in days)
    spread = once * ((1 << length) - 1) << begin
    return (spread | spread >> _WEEK) & ALL


def _since_midnight(written: str) -> int:
    hour, minute = time_of_day(written).split(":")
    return int(hour) * 60 + int(minute)


def wait(before: int, after: int) -> int:
    """The fewest minutes from one of the first to one of the second that is not earlier; both have some."""
    waited = 0
    while not before & after:
        before = (before << 1 | before >> (_WEEK - 1)) & ALL
        waited += 1
    return waited
