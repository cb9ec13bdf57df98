"""How runs, history and logs look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from backstay.app.runs import LogView
from backstay.app.views import RunView
from backstay.app.wiring import Opened

from .terminal import Screen, count, heading, local, size, span

LONG_ENOUGH_S = 3.0
"""What moved for less may never have been looked at: what held it is seen once a second."""

MARKS = {"done": "✓", "incomplete": "!", "failed": "✗", "cancelled": "–", "skipped": "–"}


def show_taken(screen: Screen, house: Opened, views: Sequence[RunView]) -> None:
    """What was taken just now; failures with what to do about them."""
    if not views:
        screen.say("nothing is due")
        return
    rows = [
        (
            MARKS.get(view.state, "·"),
            view.workload,
            view.state,
            _took(view),
            size(view.bytes_read),
            size(view.bytes_added),
            view.point or "–",
        )
        for view in views
    ]
    screen.table(("", "workload", "result", "took", "read", "added", "point"), rows)
    for view in views:
        _troubles(screen, view)
    good = sum(view.result == "done" for view in views)
    screen.say(f"{good} of {len(views)} good")


def _troubles(screen: Screen, view: RunView) -> None:
    for warning in view.warnings:
        screen.say(f"{view.workload}: {warning}")
    if view.error:
        screen.say(f"{view.workload}: {view.error['message']}")
        if view.error["hint"]:
            screen.say(view.error["hint"], indent=2)
    if view.result != "done":
        screen.verbatim(f"backstay log {view.run_id}", indent=2)


def show_history(screen: Screen, house: Opened, views: Sequence[RunView]) -> None:
    """Runs, newest first."""
    zone, now = ZoneInfo(house.estate.timezone), house.clock.now()
    top = heading(house.estate.name, now, zone)
    if not views:
        screen.say(f"{top} · no runs yet; take one with backstay run --all")
        return
    tally = Counter(view.state for view in views)
    screen.say(f"{top} · {count(len(views), 'run')}: {', '.join(f'{n} {state}' for state, n in tally.items())}\n")
    rows = []
    for view in views:
        when = local(view.started_at or view.requested_at, zone, now)
        rows.append((when, view.workload, view.state, _took(view), size(view.bytes_added), view.run_id))
    screen.table(("when", "workload", "result", "took", "added", "run"), rows)
    if any(view.state == "interrupted" for view in views):
        screen.say("\ninterrupted: its program died; the next backstay run takes it up again")


def show_log(screen: Screen, house: Opened, view: LogView) -> None:
    """The run in one line, its lines as they were written, and how to restore by hand."""
    zone, run = ZoneInfo(house.estate.timezone), view.run
    screen.say(f"run {run.run_id} · {run.workload} to {run.target} · {run.state}")
    if time := " · ".join(_time(run)):
        screen.say(time, indent=2)
    screen.say()
    rows = []
    for note in view.lines:
        word = "" if note.level == "info" else f"{note.level}: "
        rows.append((f"{note.at.astimezone(zone):%d %b %H:%M:%S}", word + " ".join(note.text.split())))
    if rows:
        screen.table(("", ""), rows)
    else:
        screen.say("  nothing was noted")
    if view.by_hand:
        screen.say("\nto restore it by hand, with DIR a new folder:")
    for line in view.by_hand:
        screen.verbatim(line, indent=2)


def _time(view: RunView) -> Iterator[str]:
    """Where its time went, and what held it."""
    if view.waiting_s is not None:
        yield f"waited {span(view.waiting_s)} for its turn"
    if view.moving_s is not None:
        yield f"moved {size(view.bytes_moved)} in {span(view.moving_s)}"
    if view.other_s is not None:
        yield f"{span(view.other_s)} for all else"
    if view.held_by is not None:
        # Of a link production has the first part, and what it leaves changes all the time.
        share = "our share of " if view.held_by.startswith("link ") else ""
        yield f"held most often by {share}{view.held_by}"
    elif view.moving_s is not None and view.moving_s >= LONG_ENOUGH_S:
        yield "held by no limit of ours: its source, engine, line or storage set its pace"


def _took(view: RunView) -> str:
    if view.started_at is None or view.ended_at is None:
        return "–"
    return span((view.ended_at - view.started_at).total_seconds())
