"""Where the time of runs went, and which limit held them while they moved, from what their records say.

Nothing is named that was not measured. Where no limit of ours held a run, its source, its engine, the line or the
storage itself did; which of them, nothing here can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from backstay.domain.runs import Run
from backstay.planning.network import told

MAJORITY = 0.5
"""A limit is worth widening if the runs that it held were this part of the moving time; else it only moves on."""

_ADVICE: Mapping[str, str] = {
    "host": "A higher `read` of {} would shorten them, if its disk carries more.",
    "link": "More of {} for backups would shorten them.",
    "target": "Faster storage at {}, and then a higher `write`, would shorten them.",
}


@dataclass(frozen=True, slots=True)
class Spent:
    """Where the time of one run went, in seconds; None where its record does not say.

    It waited for its turn (slots, rates, what it comes after) until it was admitted. It moved while its way to the
    target was open. The rest until its end is all else: looking, opening, the fingerprint, closing, earlier tries.
    `held_by` is the key of the limit that set its rate most often; None: none of ours did, or it was over too soon.
    """

    waiting_s: float | None
    moving_s: float | None
    other_s: float | None
    held_by: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """How many runs one limit held, and what part of the moving time of all runs theirs was; `limit` None: no limit of
    ours."""

    limit: str | None
    runs: int
    part: float


@dataclass(frozen=True, slots=True)
class Together:
    """Where the time of many runs went. `held` has what held the larger part first; `advice` is None where no one limit
    held most of it."""

    runs: int
    waiting_s: float
    longest_waiting_s: float
    moving_s: float
    held: tuple[Held, ...]
    advice: str | None


def spent(run: Run) -> Spent:
    """Where the time of a run went; of one that is under way, what is known of it already."""
    admitted = run.admitted_at or run.started_at
    ran_s = _between(admitted, run.ended_at)
    other_s = None if ran_s is None else max(0.0, ran_s - (run.moving_s or 0.0))
    return Spent(_between(run.requested_at, admitted or run.ended_at), run.moving_s, other_s, run.bound_by)


def together(runs: Iterable[Run]) -> Together:
    """The same for many runs. A run that two limits held in turn counts whole for the one that did so more often."""
    each = [spent(run) for run in runs]
    waits = [one.waiting_s or 0.0 for one in each]
    moving_s = sum(one.moving_s or 0.0 for one in each)
    held = _held(each, moving_s)
    return Together(len(each), sum(waits), max(waits, default=0.0), moving_s, held, _advice(held))


def _held(each: Iterable[Spent], moving_s: float) -> tuple[Held, ...]:
    seconds: dict[str | None, list[float]] = {}
    for one in each:
        if one.moving_s:
            seconds.setdefault(one.held_by, []).append(one.moving_s)
    held = (Held(limit, len(theirs), sum(theirs) / moving_s) for limit, theirs in seconds.items())
    return tuple(sorted(held, key=lambda one: (-one.part, one.limit or "")))


def _advice(held: tuple[Held, ...]) -> str | None:
    """What would shorten such runs, where one limit held most of their moving time."""
    first = next(iter(held), None)
    if first is None or first.limit is None or first.part < MAJORITY:
        return None
    return _ADVICE[first.limit.partition(":")[0]].format(told(first.limit))


def _between(begin: datetime | None, end: datetime | None) -> float | None:
    """None if one of them is missing. A clock that was set back meanwhile makes no negative time."""
    return None if begin is None or end is None else max(0.0, (end - begin).total_seconds())
