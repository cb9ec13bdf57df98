"""How runs, history and logs look."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.markup import escape

from backstay.app.runs import LogView
from backstay.app.views import RunView
from backstay.app.wiring import Opened

from .terminal import Screen, columns, heading, local, size, span

MARKS = {"done": "✓", "incomplete": "!", "failed": "✗", "cancelled": "–", "skipped": "–"}


def show_taken(screen: Screen, house: Opened, views: Sequence[RunView]) -> None:
    """What was taken just now; failures with what to do about them."""
    if not views:
        screen.out.print("nothing is due")
        return
    table = columns("", "workload", "result", "took", "read", "added", "point")
    for view in views:
        mark = MARKS.get(view.state, "·")
        table.add_row(
            mark,
            escape(view.workload),
            view.state,
            _took(view),
            size(view.bytes_read),
            size(view.bytes_added),
            view.point or "–",
        )
    screen.out.print(table)
    for view in views:
        _troubles(screen, view)
    good = sum(view.result == "done" for view in views)
    screen.out.print(f"{good} of {len(views)} good")


def _troubles(screen: Screen, view: RunView) -> None:
    for warning in view.warnings:
        screen.out.print(f"{escape(view.workload)}: {escape(warning)}", soft_wrap=True)
    if view.error:
        screen.out.print(f"{escape(view.workload)}: {escape(view.error['message'])}", soft_wrap=True)
        if view.error["hint"]:
            screen.out.print(f"  {escape(view.error['hint'])}", soft_wrap=True)
    if view.result != "done":
        screen.out.print(f"  backstay log {view.run_id}", soft_wrap=True)


def show_history(screen: Screen, house: Opened, views: Sequence[RunView]) -> None:
    """Runs, newest first."""
    zone, now = ZoneInfo(house.estate.timezone), house.clock.now()
    screen.out.print(heading(house.estate.name, now, zone))
    if not views:
        screen.out.print("no runs yet; take one with backstay run --all")
        return
    table = columns("when", "workload", "result", "took", "added", "run")
    for view in views:
        when = local(view.started_at or view.requested_at, zone, now)
        table.add_row(when, escape(view.workload), view.state, _took(view), size(view.bytes_added), view.run_id)
    screen.out.print(table)
    if any(view.state == "interrupted" for view in views):
        screen.out.print("interrupted: its program died; the next backstay run takes it up again")


def show_log(screen: Screen, house: Opened, view: LogView) -> None:
    """The run in one line, its lines as they were written, and how to restore by hand."""
    zone, run = ZoneInfo(house.estate.timezone), view.run
    screen.out.print(f"run {run.run_id} · {escape(run.workload)} to {escape(run.target)} · {run.state}")
    for note in view.lines:
        at = note.at.astimezone(zone)
        word = "" if note.level == "info" else f"{note.level}: "
        screen.out.print(f"{at:%d %b %H:%M:%S}  {word}{escape(note.text)}", soft_wrap=True)
    if view.by_hand:
        screen.out.print("\nto restore it by hand, with DIR a new folder:")
    for line in view.by_hand:
        screen.out.print(f"  {escape(line)}", soft_wrap=True)


def _took(view: RunView) -> str:
    if view.started_at is None or view.ended_at is None:
        return "–"
    return span((view.ended_at - view.started_at).total_seconds())
