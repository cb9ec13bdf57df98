"""How much of a link backups may fill, from the round trips on it: back at once when production slows, return slowly.

Delay is the signal, as in transports that give way to others (LEDBAT, RFC 6817): what waits in the link's queue is seen
before anything is lost. The steps are ours, because rates are set here and not windows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from statistics import median

LEARNED = 5
"""Round trips from which the quiet link is known; later ones can only lower it."""

SLACK_S = 0.005
"""Less than this is no queue of ours to blame: half of it our own connections may have under way, and production
sends packets, too."""

LEAST_PART = 0.02
"""What backups keep of a link that production fills, so that no engine takes its target for dead."""

_FULL = 0.95
"""Who uses less of its part than this is kept from more; just below that the queue empties."""

_JUDGED = 3
_QUIET = 5
_TENSE = 20


@dataclass(frozen=True, slots=True)
class Yielding:
    """One link. `part` of its capacity is ours; `base_s` is its quiet round trip, `trouble` the part at which
    production last slowed, and `calm` how many round trips in a row were quiet."""

    part: float = 1.0
    base_s: float = inf
    recent: tuple[float, ...] = ()
    trouble: float = inf
    calm: int = 0
    ceiling_s: float | None = None

    @property
    def known(self) -> bool:
        """Whether the quiet round trip is known."""
        return self.base_s < inf

    @property
    def tense(self) -> bool:
        """Whether production slowed just now."""
        return self.trouble < inf and self.calm < _TENSE

    @property
    def tolerated_s(self) -> float:
        """The longest round trip that counts as quiet."""
        quiet = self.base_s + max(self.base_s / 4, SLACK_S)
        return min(quiet, self.ceiling_s) if self.ceiling_s else quiet


def yielded(state: Yielding, round_trip_s: float | None, used: float = 1.0) -> Yielding:
    """The state after one more round trip; None: there was no answer in time. `used` is how much of what was ours of
    late we came to use.

    Two of three that are too long take half, at twice the tolerance, or a fifth; then the queue gets three round trips
    to empty before anything else is judged. What we do not come to use then is production's, and we ask for a little
    less than the rest. What was taken comes back quickly, but slowly around where the trouble was: production is still
    there, or it is not and the way beyond is free.
    """
    recent = (*state.recent, inf if round_trip_s is None else round_trip_s)[-_JUDGED:]
    if state.base_s == inf and len(state.recent) < LEARNED - 1:
        return replace(state, recent=(*state.recent, recent[-1]))
    if state.base_s == inf:
        return replace(state, base_s=median((*state.recent, recent[-1])), recent=())
    if len(recent) < _JUDGED:
        return replace(state, recent=recent)
    now_s = median(recent)
    if now_s <= state.tolerated_s:
        quiet = replace(state, recent=recent, base_s=min(state.base_s, now_s), calm=state.calm + 1)
        return _left_to_others(quiet, used) if state.tense and used < _FULL else _returning(quiet)
    over = (now_s - state.base_s) / (state.tolerated_s - state.base_s)
    cut = 0.5 if over > 2 else 0.8
    return replace(state, part=max(LEAST_PART, state.part * cut), trouble=state.part, recent=(), calm=0)


def _left_to_others(state: Yielding, used: float) -> Yielding:
    ours = state.part * used
    return replace(state, part=max(LEAST_PART, ours * _FULL), trouble=ours)


def _returning(state: Yielding) -> Yielding:
    if state.calm < _QUIET or state.part >= 1.0:
        return state
    near = 0.6 * state.trouble <= state.part <= 1.15 * state.trouble
    step = min(0.005, state.part / 40) if near else min(0.05, state.part / 4)
    return replace(state, part=min(1.0, state.part + step))
