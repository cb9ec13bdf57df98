"""What jobs claim of what they share: less than they take at their best, for in a part of their time nothing moves."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from math import inf
from statistics import median

from backstay.planning.live.sharing import LEAST
from backstay.planning.night.model import Demand, Resource
from backstay.planning.patterns.rules import share_of
from backstay.ports.clock import Clock

from .traffic import OPENING, Traffic

_REMEMBERED = 8

LONG_OPENING_S = 10.0
"""What has sent nothing for longer than that has nothing to send, or cannot, and keeps nobody from beginning."""


class Claims:
    """Learns from the jobs of this process how long it takes to open a repository."""

    def __init__(self, traffic: Traffic, clock: Clock) -> None:
        self._traffic = traffic
        self._clock = clock
        self._took: deque[float] = deque(maxlen=_REMEMBERED)
        self._began: dict[str, float] = {}
        self._sending: set[str] = set()

    def of(self, demands: Sequence[Demand], running: Set[str], resources: Mapping[str, Resource]) -> tuple[Demand, ...]:
        """The demands of all open runs, each with the rate that it claims for its own.

        That is what it takes on the average while it holds its slots. One that will be done by the time that the next
        has opened its repository claims none: else what they share would idle in between.
        """
        self._began = {key: at for key, at in self._began.items() if key in running}
        self._sending &= running
        return tuple(self._claim(demand, demand.key in running, resources) for demand in demands)

    def opening(self, running: Iterable[Demand]) -> list[Demand]:
        """Those that have limits on their way, and a piece to send of which nothing has come yet."""
        since = self._clock.elapsed() - LONG_OPENING_S
        fresh = (each for each in running if each.key not in self._sending and self._began.get(each.key, inf) > since)
        limited = (each for each in fresh if each.volume > OPENING and self._traffic.limits(each.resources))
        return [each for each in limited if self._traffic.sent(each.key) is None]

    def left(self, demands: Sequence[Demand], running: Set[str]) -> dict[str, float]:
        """Bytes that each of the open runs still has to move, as far as its last runs tell how many there are."""
        return {demand.key: self._left(demand) if demand.key in running else demand.volume for demand in demands}

    def _claim(self, demand: Demand, runs: bool, resources: Mapping[str, Resource]) -> Demand:
        left_s = self._left_s(demand) if runs else inf
        opening_s = median(self._took) if self._took else demand.prep_s
        if left_s <= opening_s:
            return replace(demand, own_rate=LEAST)
        alone = min(demand.own_rate, share_of(demand, resources))
        if alone in (0.0, inf) or not demand.volume:
            return demand
        return replace(demand, own_rate=demand.volume / (opening_s + demand.volume / alone))

    def _left_s(self, demand: Demand) -> float:
        """Until all its bytes are sent, as far as its last runs tell how many there are."""
        now, sent = self._clock.elapsed(), self._traffic.sent(demand.key)
        began = self._began.setdefault(demand.key, now)
        if sent is None:
            return 0.0 if demand.key in self._sending else inf
        if demand.key not in self._sending:
            self._sending.add(demand.key)
            self._took.append(now - began)
        return self._left(demand) / sent[1] if sent[1] else inf

    def _left(self, demand: Demand) -> float:
        sent = self._traffic.sent(demand.key)
        if sent is None:
            return 0.0 if demand.key in self._sending else demand.volume
        return max(0.0, demand.volume - sent[0])
