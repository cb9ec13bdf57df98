"""Consistency groups: how far apart the moments are to which their members would return."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from .objectives import Standing


def spreads(standings: Sequence[Standing]) -> Mapping[str, timedelta]:
    """By group, the time from the earliest to the latest `as_of` of its members' newest usable points.

    A group is left out while one of its members has no such point, and if it has one member only.
    """
    moments: dict[str, list[datetime | None]] = defaultdict(list)
    for stand in standings:
        if stand.workload.group is not None and stand.workload.exempt is None:
            moments[stand.workload.group].append(stand.as_of)
    known = {group: [each for each in of if each is not None] for group, of in moments.items()}
    return {group: max(of) - min(of) for group, of in known.items() if 1 < len(of) == len(moments[group])}
