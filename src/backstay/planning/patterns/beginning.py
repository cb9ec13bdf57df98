"""Which jobs begin first, so that no link and no disk waits for work."""

from __future__ import annotations

from collections.abc import Iterable, Set
from math import inf

from backstay.planning.live.needs import host_of
from backstay.planning.night.model import Night

from .rules import Rules, site_of

_PATIENCE = 2.0
"""Jobs are taken out of their turn only while all that is to be done would fit so many times before the first promise
is broken."""


def may_change_turns(span_s: float, promised_s: Iterable[float]) -> bool:
    """Whether everything will end in time, whoever goes first: it all takes `span_s`, promises last so long."""
    return _PATIENCE * span_s <= min(promised_s, default=inf)


def filling_first(rules: Rules, night: Night, *, streams: Set[str], running: Set[str], moving: Set[str]) -> list[str]:
    """All jobs, those first that fill what idles, the rest in the order of the rules.

    Streams where nothing moves yet: their bytes cross while they are read, when engines still read whole pieces. Then
    jobs of hosts at which nothing runs, for there a disk has nothing to do.
    """
    sites = {demand.key: site_of(demand, night) for demand in night.demands}
    hosts = {demand.key: host_of(demand, night.resources) for demand in night.demands}
    filled, busy = {sites[key] for key in moving}, {hosts[key] for key in running}

    def turn(key: str) -> tuple[int, float]:
        if key in streams and sites[key] not in filled:
            return 0, rules.place(key)
        return 1 + (hosts[key] in busy), rules.place(key)

    return sorted(sites, key=turn)
