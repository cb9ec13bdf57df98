"""A night lived through under given rules: jobs start as the rules say, and bytes flow at fair rates in between.

Event times are exact: rates change only when a job starts to move, ends or a capacity changes, and time goes from one
such moment to the next.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from math import inf, nextafter
from typing import NamedTuple

from backstay.planning.night.model import Bound, Demand, Night, Placement, Schedule

from .admission import Room
from .rules import Rules, need_of
from .streams import Streams

_CLOSE, _STEP, _OPEN, _MOVE, _CUT = range(5)
_NEARLY_S = 1e-6


def simulated(night: Night, rules: Rules, bound: Bound) -> Schedule:
    """How the night goes under these rules.

    `unplaced` are those that never end: no interval has room for them or for what they come after. A job with `stop`
    that still moves when its interval closes goes on in its next one with what is left.
    A placement's rates are means over spans in which the rate moves by less than a tenth.
    """
    fluid = Fluid(night, rules)
    while fluid.advance():
        pass
    return fluid.schedule(bound)


class _Turn(NamedTuple):
    """Something that happens by the clock; at one moment in the order of `what`."""

    at_s: float
    what: int
    key: str


class _Span(NamedTuple):
    """An interval in which a job may start until just before `until_s`; with `stop` it is cut off at `close_s`."""

    open_s: float
    until_s: float
    close_s: float


class Fluid:
    """A night under way. `at_s` is its moment, `running` are the jobs that hold slots."""

    def __init__(self, night: Night, rules: Rules) -> None:
        self.at_s = 0.0
        self.running: set[str] = set()
        self._night, self._rules = night, rules
        self._places = {demand.key: place for place, demand in enumerate(night.demands)}
        self._streams = Streams(night, rules)
        self._room = Room(rules, night)
        self._waiting: list[tuple[float, int, str]] = []
        self._spans: dict[str, _Span] = {}
        self._missing = {demand.key: len(set(demand.after)) for demand in night.demands}
        self._behind: dict[str, list[str]] = {}
        self._log = _Log()
        self._fresh = self._unsettled = False
        self._turns = [_Turn(since, _STEP, key) for key, each in night.resources.items() for since, _ in each.steps]
        heapq.heapify(self._turns)
        for demand in night.demands:
            for before in set(demand.after):
                self._behind.setdefault(before, []).append(demand.key)
            if not demand.after:
                self._await_opening(demand, demand.release_s)

    def advance(self) -> bool:
        """On to the next moment at which something happens; False if nothing will."""
        at_s = self.at_s + self._streams.next_end()
        if self._turns:
            at_s = min(at_s, self._turns[0].at_s)
        if at_s == inf:
            return False
        ended = self._streams.pass_time(at_s - self.at_s)
        self.at_s = at_s
        self._end(ended)
        while self._turns and self._turns[0].at_s <= at_s:
            self._happen(heapq.heappop(self._turns))
        if self._fresh:
            self._decide()
        if self._unsettled:
            self._streams.settle(at_s)
        self._fresh = self._unsettled = False
        return True

    def rates(self) -> dict[str, float]:
        """What each moving job gets now."""
        return {self._demand(place).key: float(self._streams.rate[place]) for place in self._streams.moving.tolist()}

    def waiting(self) -> list[str]:
        """Those that could start if they got what they need, first in turn first."""
        return [key for _, _, key in self._waiting]

    def schedule(self, bound: Bound) -> Schedule:
        """What has happened until now."""
        log = self._log
        placements = tuple(self._placement(demand.key) for demand in self._night.demands if demand.key in log.end_s)
        late = (demand.key for demand in self._night.demands if log.ended(demand.key) > demand.deadline_s + _NEARLY_S)
        return Schedule(
            placements=placements,
            makespan_s=max(log.end_s.values(), default=0.0),
            late=tuple(late),
            bound=bound,
            peak=log.peak,
            unplaced=tuple(demand.key for demand in self._night.demands if demand.key not in log.end_s),
        )

    def _placement(self, key: str) -> Placement:
        log = self._log
        steps = self._streams.steps(self._places[key])
        start_s = log.start_s[key]
        rates = steps if steps and steps[0][0] <= start_s else ((start_s, 0.0), *steps)
        return Placement(key, start_s, log.end_s[key], rates, log.held_by(key))

    def _demand(self, place: int) -> Demand:
        return self._night.demands[place]

    def _happen(self, turn: _Turn) -> None:
        if turn.what == _STEP:
            self._room = Room(self._rules, self._night, at_s=self.at_s, running=self.running)
            self._streams.set_capacities(self.at_s)
            self._fresh = self._unsettled = True
        elif turn.what == _OPEN:
            self._open(turn.key)
        elif turn.what == _MOVE and self._log.moves_s.get(turn.key) == turn.at_s:
            self._streams.begin([self._places[turn.key]], self.at_s)
            self._unsettled = True
        elif turn.what == _CLOSE:
            self._close(turn.key)
        elif turn.what == _CUT and self._is_cut(turn):
            self._cut(turn.key)

    def _open(self, key: str) -> None:
        insort(self._waiting, self._turn_of(key))
        self._fresh = True
        if self._spans[key].until_s < inf:
            heapq.heappush(self._turns, _Turn(self._spans[key].until_s, _CLOSE, key))

    def _close(self, key: str) -> None:
        """Who still waits when its interval is over waits for the next one."""
        turn = self._turn_of(key)
        place = bisect_left(self._waiting, turn)
        if place < len(self._waiting) and self._waiting[place] == turn and self._spans[key].until_s == self.at_s:
            del self._waiting[place]
            self._await_opening(self._demand(self._places[key]), self.at_s)

    def _is_cut(self, turn: _Turn) -> bool:
        """Whether it still runs in the interval that closes, and does not end at this very moment."""
        runs_here = turn.key in self.running and self._spans[turn.key].close_s == turn.at_s
        ends = self._log.moves_s.get(turn.key, inf) <= turn.at_s and not self._streams.left[self._places[turn.key]]
        return runs_here and not ends

    def _cut(self, key: str) -> None:
        del self._log.moves_s[key]
        self._streams.pause(self._places[key], self.at_s)
        self._release(key)
        self._await_opening(self._demand(self._places[key]), self.at_s)

    def _end(self, places: list[int]) -> None:
        self._streams.stop(places, self.at_s)
        for place in places:
            key = self._demand(place).key
            self._log.end_s[key] = self.at_s
            self._release(key)
            for behind in self._behind.get(key, ()):
                self._missing[behind] -= 1
                if not self._missing[behind]:
                    self._follow(self._demand(self._places[behind]), key)

    def _follow(self, demand: Demand, before: str) -> None:
        self._log.wait(demand.key, before, self.at_s - demand.release_s)
        self._await_opening(demand, max(self.at_s, demand.release_s))

    def _release(self, key: str) -> None:
        self.running.discard(key)
        self._room.give_back(key)
        self._fresh = self._unsettled = True

    def _await_opening(self, demand: Demand, from_s: float) -> None:
        """It waits for slots from its next interval on; without one it is never heard of again."""
        left = float(self._streams.left[self._places[demand.key]])
        need = need_of(self._rules, demand, self._night, from_s)
        moving_s = left / need if left and need else 0.0
        for span in _spans(demand, demand.prep_s + moving_s):
            if span.until_s > from_s:
                opens_s = max(from_s, span.open_s)
                self._log.wait(demand.key, "window", opens_s - from_s)
                self._spans[demand.key] = span
                heapq.heappush(self._turns, _Turn(opens_s, _OPEN, demand.key))
                return

    def _decide(self) -> None:
        started = self._room.admitted(key for _, _, key in self._waiting)
        self._log.refused(self._room.blockers, self.at_s)
        if started:
            self._waiting = [turn for turn in self._waiting if turn[2] in self._room.blockers]
        self.running.update(started)
        for key in started:
            self._start(self._demand(self._places[key]))
        self._log.peak = max(self._log.peak, len(self.running))

    def _start(self, demand: Demand) -> None:
        self._log.start_s.setdefault(demand.key, self.at_s)
        moves_s = self._log.moves_s[demand.key] = self.at_s + demand.prep_s
        if demand.stop and self._spans[demand.key].close_s < inf:
            heapq.heappush(self._turns, _Turn(self._spans[demand.key].close_s, _CUT, demand.key))
        if demand.prep_s > 0:
            heapq.heappush(self._turns, _Turn(moves_s, _MOVE, demand.key))
        else:
            self._streams.begin([self._places[demand.key]], self.at_s)
            self._unsettled = True

    def _turn_of(self, key: str) -> tuple[float, int, str]:
        return self._rules.place(key), self._places[key], key


class _Log:
    """What was, for the schedule: times, the most at once, and what each job waited for how long."""

    def __init__(self) -> None:
        self.start_s: dict[str, float] = {}
        self.moves_s: dict[str, float] = {}
        self.end_s: dict[str, float] = {}
        self.peak = 0
        self._lacked: dict[str, str] = {}
        self._since_s: dict[str, float] = {}
        self._waits: dict[str, dict[str, float]] = {}

    def refused(self, lacks: dict[str, str], at_s: float) -> None:
        """Another decision: from now on these wait, each for what it lacks."""
        for key in self._lacked.keys() - lacks.keys():
            self.wait(key, self._lacked[key], at_s - self._since_s[key])
        for key, _ in lacks.items() - self._lacked.items():
            if key in self._lacked:
                self.wait(key, self._lacked[key], at_s - self._since_s[key])
            self._since_s[key] = at_s
        self._lacked = lacks

    def wait(self, key: str, for_what: str, seconds: float) -> None:
        if seconds > 0:
            waits = self._waits.setdefault(key, {})
            waits[for_what] = waits.get(for_what, 0.0) + seconds

    def held_by(self, key: str) -> str | None:
        """What it waited for longest; of equals the first by name."""
        waits = self._waits.get(key)
        return min(waits, key=lambda name: (-waits[name], name)) if waits else None

    def ended(self, key: str) -> float:
        """Never, for a job that has not ended."""
        return self.end_s.get(key, inf)


def _spans(demand: Demand, length_s: float) -> list[_Span]:
    """Where it may start; with `stop` only where it can also end, unless it can nowhere."""
    whole = [_Span(since, until, until) for since, until in demand.open]
    if not demand.stop:
        return whole
    # Up to and with the last moment from which it just fits.
    fitting = [_Span(a, nextafter(b - length_s, inf), b) for a, b, _ in whole if b - a >= length_s]
    return fitting or whole
