"""How many streams a host or a target carries, learned while it works, and given back at once when production slows.

Throughput finds the knee: another stream must bring a good part of what it would bring for free. It cannot see
production, since past the knee streams buy latency and lose no throughput; so a probe that stands for production has
the last word. Measured against controllers known from services (AIMD, Vegas, Gradient2), none of which sees both.

One state per host and per target; each second `step` takes what was measured and returns the next state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean, median, stdev

LEAST = 1

JUDGED = 5
LONGEST_JUDGED = 20
EXACT = 0.08
EXACT_DOWN = 0.05
"""A judgement is a mean of at least `JUDGED` seconds without the best and the worst, after one second to settle. It
waits until the mean is known to this part of itself, at most `LONGEST_JUDGED`: five noisy seconds led astray."""

GAIN = 0.35
"""A step up stays if it brings this part of what the added streams would bring below the knee."""

LOSS = 0.15
"""A step down stays if it costs less than this part of what the streams taken away would cost below the knee."""

QUIET = 1.3
SOFT = 1.5
HARD = 2.0
"""Times the quiet probe: below the first production is quiet, from the second on nothing is added, and above the third
streams are taken away at once."""

HOLD_S = 60
LONGEST_HOLD_S = 600
"""A found limit stays so long, each time doubled while nothing better is found."""

QUIET_S = 5
LONGEST_QUIET_S = 300
OWN_QUIET_S = 1
"""Quiet seconds before streams come back; longer where production comes again and again, short after a step of ours."""

_BASE_OF = 8
_REMEMBERED = 60
_PROBES = 3
_STRAINED_S = 3
_PAUSE_S = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """One second: streams that moved, bytes per second of all of them, and production's probe (None: not measured)."""

    streams: int
    bytes_per_s: float
    probe_s: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What is known of one host or target. `limit` is how many streams it may have, `why` says how it came to that.

    `ceiling_s` is a probe that production never should exceed, whatever it was at the beginning; `most` the most
    streams ever. Everything else is the search: the last good judgement `below` a step that is not proven yet, the
    rejected `top`, the judgement `above` a step down, and what is waited for.
    """

    limit: int = 3
    why: str = "starts low: nothing is measured yet"
    most: int = 64
    ceiling_s: float | None = None
    base_s: float | None = None
    probes: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    below: tuple[int, float] | None = None
    above: tuple[int, float] | None = None
    top: int | None = None
    settle_s: int = 1
    pause_s: int = 0
    hold_s: int = 0
    next_hold_s: int = HOLD_S
    look_s: int = 0
    tried_down: bool = False
    strained_s: int = 0
    quiet_s: int = 0
    since_cut_s: int = LONGEST_QUIET_S
    quiet_wanted_s: int = QUIET_S
    resume: int = 0

    @property
    def strain(self) -> float:
        """How slow production is now, in times its quiet probe; 1 while that is not known.

        At the ceiling it is as if it were hard, however slow production was at the beginning.
        """
        if len(self.probes) < _PROBES:
            return 1.0
        now = median(self.probes[-_PROBES:])
        by_base = now / self.base_s if self.base_s else 1.0
        return max(by_base, HARD * now / self.ceiling_s) if self.ceiling_s else by_base


@dataclass(frozen=True, slots=True)
class Allowed:
    """Streams that may run now; `broken` says which learned limit that exceeds and why, None where it holds."""

    streams: int
    broken: str | None = None


def limit_for(state: State, running: int, urgent: int, where: str) -> Allowed:
    """The limit of `where`, or more if `urgent` jobs lose their RPO while they wait beside those that are `running`.

    What was taken away for production gives way to what is owed; the knee does not, since past it more streams move no
    more, and then waiting costs nothing.
    """
    streams = min(state.resume, running + urgent) if urgent else 0
    saved = streams - max(state.limit, running)
    if saved <= 0:
        return Allowed(state.limit)
    jobs = "1 job would miss its RPO" if saved == 1 else f"{saved} jobs would miss their RPO"
    return Allowed(streams, f"{where}: {_streams(streams)} and not {state.limit} ({state.why}), or {jobs}")


def step(state: State, sample: Sample) -> State:
    """The state after another second. Deterministic: the same samples give the same limits."""
    state = _heard(state, sample)
    if state.strain > HARD and not state.pause_s:
        return _give_way(state)
    quiet = state.strain < QUIET
    state = replace(state, quiet_s=state.quiet_s + 1 if quiet else 0, since_cut_s=state.since_cut_s + 1)
    if state.pause_s:
        return replace(state, pause_s=state.pause_s - 1)
    if state.settle_s:
        return replace(state, settle_s=state.settle_s - 1)
    if state.strain > SOFT:
        return _strained(state)
    state = replace(state, strained_s=0)
    if state.resume > state.limit:
        return _refilled(state)
    return _searched(replace(state, resume=0), sample)


def _heard(state: State, sample: Sample) -> State:
    """The probe is taken in; the quiet one is learned from the first, and may only fall by what comes later."""
    if sample.probe_s is None:
        return state
    probes = (*state.probes, sample.probe_s)[-_REMEMBERED:]
    base = state.base_s
    if base is None:
        base = median(probes) if len(probes) >= _BASE_OF else None
    elif len(probes) >= _REMEMBERED:
        base = min(base, median(probes))
    return replace(state, probes=probes, base_s=base)


def _give_way(state: State) -> State:
    """Production suffers: half of the streams go at once, whoever is to blame."""
    slow = f"production is {state.strain:.1f} times as slow as when it is quiet"
    half = max(LEAST, state.limit // 2)
    ours = state.below is not None and state.below[0] < state.limit
    # A step that is not proven is remembered as too much; all else is production's own, and where that comes again and
    # again it gets longer and longer quiet before backups come back.
    again = not ours and state.since_cut_s < 6 * state.quiet_wanted_s
    return replace(
        _still(state, half, f"{slow}: halved to {_streams(half)}"),
        below=None,
        above=None,
        top=state.limit if ours else None,
        resume=max(state.resume, state.below[0] if state.below else state.limit),
        quiet_wanted_s=min(LONGEST_QUIET_S, 2 * state.quiet_wanted_s) if again else QUIET_S,
        quiet_s=0,
        since_cut_s=0,
        pause_s=OWN_QUIET_S if ours else _PAUSE_S,
        hold_s=0,
    )


def _strained(state: State) -> State:
    """Between soft and hard nothing is added; if it lasts, the unproven step goes, or one stream."""
    counts = 2 if state.strain > (SOFT + HARD) / 2 else 1
    state = replace(state, strained_s=state.strained_s + counts, rates=())
    if state.strained_s < _STRAINED_S:
        return state
    state = replace(state, strained_s=0)
    slow = f"production is {state.strain:.1f} times as slow as when it is quiet"
    if state.below and state.below[0] < state.limit:
        back = state.below[0]
        return replace(_still(state, back, f"{slow}: back to {_streams(back)}"), top=state.limit, settle_s=1)
    less = max(LEAST, state.limit - 1)
    why = f"{slow}: one stream less, {_streams(less)}"
    return replace(_still(state, less, why), below=None, settle_s=1, resume=max(state.resume, state.limit))


def _refilled(state: State) -> State:
    """After a quiet time it comes back by thirds to what it was before production slowed.

    Where a step of its own was to blame, it is back below that as soon as production is quiet, and the search goes on.
    """
    if state.top:
        if state.quiet_s < OWN_QUIET_S:
            return state
        why = f"production is quiet again: back to {_streams(state.resume)}, below {state.top}"
        return replace(_still(state, state.resume, why), below=None, settle_s=1)
    if state.quiet_s < state.quiet_wanted_s:
        return state
    more = min(state.resume, state.limit + max(1, state.limit // 3))
    why = f"production is quiet again: back to {_streams(more)} of {state.resume}"
    return _holding(_still(state, more, why))


def _searched(state: State, sample: Sample) -> State:
    """Throughput decides; with fewer streams than the limit it says nothing about the limit."""
    rates = (*state.rates, sample.bytes_per_s) if sample.streams >= state.limit else ()
    state = replace(state, rates=rates[-LONGEST_JUDGED:], hold_s=max(0, state.hold_s - 1))
    if not _is_exact(state.rates, EXACT_DOWN if state.above or state.hold_s else EXACT):
        return state
    now = fmean(sorted(state.rates)[1:-1])
    if state.above:
        return _judged_down(state, state.above, now)
    if state.hold_s:
        return _held(state, now)
    return _judged_up(state, now)


def _is_exact(rates: tuple[float, ...], part: float) -> bool:
    """Whether their mean is known to this part of itself, or as well as it ever will be."""
    if len(rates) < JUDGED or len(rates) >= LONGEST_JUDGED:
        return len(rates) >= JUDGED
    return stdev(rates) <= part * fmean(rates) * sqrt(len(rates))


def _held(state: State, now: float) -> State:
    """A found limit stays, but is tried once from above: at once the first time, then at half of each hold.

    Without the first look a start above the knee would stay there for as long as a short night lasts.
    """
    if state.tried_down and state.hold_s > state.look_s:
        return state
    state = replace(state, tried_down=True, look_s=0)
    return _tried_down(state, now) if state.limit > LEAST else state


def _tried_down(state: State, now: float) -> State:
    less = max(LEAST, state.limit - max(1, state.limit // 4))
    why = f"tries whether {_streams(less)} do as much as {state.limit}"
    return replace(_still(state, less, why), above=(state.limit, now), settle_s=1)


def _judged_down(state: State, above: tuple[int, float], now: float) -> State:
    more, before = above
    if now < before * (1 - LOSS * (more - state.limit) / more):
        # What fewer lose, more may bring: the search up goes on.
        return replace(
            _still(state, more, f"{state.limit} do less than {more}: looks upwards"), above=None, hold_s=0, settle_s=1
        )
    if state.limit > LEAST:
        return _tried_down(state, now)
    return _holding(replace(_still(state, state.limit, f"holds {_streams(state.limit)}: more did no more"), above=None))


def _judged_up(state: State, now: float) -> State:
    """A step that brought its part is proven and the next is taken; else the middle is tried, and at last the lower."""
    if state.below is None or state.below[0] >= state.limit:
        return _stepped_up(replace(state, below=(state.limit, now)))
    lower, before = state.below
    if now >= before * (1 + GAIN * (state.limit - lower) / lower):
        return _stepped_up(replace(state, below=(state.limit, now), next_hold_s=HOLD_S))
    if state.limit - lower > 1:
        middle = (lower + state.limit) // 2
        why = f"{state.limit} brought too little more than {lower}: tries {middle}"
        return replace(_still(state, middle, why), top=state.limit, settle_s=1)
    why = f"holds {_streams(lower)}: {state.limit} brought too little more"
    return _holding(_still(state, lower, why), longer=True)


def _stepped_up(state: State) -> State:
    more = max(state.limit + 1, state.limit * 3 // 2)
    if state.top and more >= state.top:
        more = (state.limit + state.top) // 2
    more = min(more, state.most)
    if more <= state.limit:
        return _holding(_still(state, state.limit, f"holds {_streams(state.limit)}: the most that paid"), longer=True)
    return replace(_still(state, more, f"tries whether {_streams(more)} do more than {state.limit}"), settle_s=1)


def _still(state: State, limit: int, why: str) -> State:
    """Another limit, about which nothing is measured yet."""
    return replace(state, limit=limit, why=why, rates=())


def _holding(state: State, *, longer: bool = False) -> State:
    """The limit stays for a while, and each time nothing has changed for twice as long."""
    following = min(LONGEST_HOLD_S, 2 * state.next_hold_s) if longer else state.next_hold_s
    return replace(
        state,
        hold_s=state.next_hold_s,
        look_s=state.next_hold_s // 2,
        next_hold_s=following,
        below=None,
        above=None,
        top=None,
        settle_s=1,
    )


def _streams(count: int) -> str:
    return "1 stream" if count == 1 else f"{count} streams"
