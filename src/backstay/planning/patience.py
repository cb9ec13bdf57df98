"""How long a run goes on trying while its host or its target does not answer."""

from __future__ import annotations

from datetime import datetime, timedelta

from backstay.domain.runs import Run

from .objectives import margin

ASKED = "asked for"
"""The first reason of a run that somebody asked for by name."""

NEVER_THERE = timedelta(seconds=5)
"""For what has not answered in this run at all: its name may be wrong, and whoever asked wants to hear so."""

WENT_AWAY = timedelta(minutes=1)
"""For what has answered in this run and does not any more: a host may boot and a line come back meanwhile, and all that
was done for the run would be done again."""

LAST_WORD = timedelta(seconds=15)
"""No try begins so shortly before its window closes: a host alone may take most of it to say that it is not there."""


def last_try(run: Run, rpo: timedelta, failed_at: datetime, *, answered: bool) -> datetime:
    """The moment after which no further try begins, if the first one without an answer ended at `failed_at`.

    Somebody who asked for the run by name waits for it, and can ask again: a few tries within a minute, then a clear
    failure. A run that became due uses up half of what its RPO keeps in hand; the other half is for whoever must act on
    the failure, and for the run that the scheduler begins after a pause. Never outside the window.

    `answered` says whether both ends had answered earlier in this run.
    """
    patience = WENT_AWAY if answered else NEVER_THERE
    if run.reason.partition("; ")[0] != ASKED:
        patience = max(patience, margin(rpo) / 2)
    closes = closing(run)
    return failed_at + patience if closes is None else min(failed_at + patience, closes)


def closing(run: Run) -> datetime | None:
    """The moment after which its window lets no further try begin; None without a window."""
    closings = [at - LAST_WORD for at in (run.start_by, run.stop_at) if at is not None]
    return min(closings, default=None)
