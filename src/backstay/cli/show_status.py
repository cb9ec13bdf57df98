"""How status looks: what would be lost now, what is owed, and what was proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.table import Table

from backstay.app.status import WorkloadStatus
from backstay.app.wiring import Opened

from .terminal import Screen, ago, columns, heading, local, span

ORDER = ("ok", "due", "late", "failing", "never", "exempt")


def show_status(screen: Screen, house: Opened, views: Sequence[WorkloadStatus]) -> None:
    """One line a workload; below, what is wrong and the commands that mend it."""
    zone, now = ZoneInfo(house.estate.timezone), house.clock.now()
    counts = Counter(view.state for view in views)
    tally = ", ".join(f"{counts[state]} {state}" for state in ORDER if counts[state])
    screen.out.print(f"{heading(house.estate.name, now, zone)} · {tally}\n")
    screen.out.print(_table(views, now))
    for view in views:
        for finding in view.findings:
            screen.out.print(f"\n{escape(view.workload)}: {escape(finding.message)}", soft_wrap=True)
            if finding.hint:
                screen.out.print(f"  {escape(finding.hint)}", soft_wrap=True)
    _next(screen, views, zone, now)


def _table(views: Sequence[WorkloadStatus], now: datetime) -> Table:
    table = columns("workload", "lost if it died now", "owed", "back in", "owed", "proven")
    for view in views:
        if view.state == "exempt":
            reason = f"–  exempt until {view.exempt_until}: {view.exempt_reason}"
            table.add_row(escape(view.workload), escape(reason))
            continue
        table.add_row(
            escape(view.workload),
            _lost(view),
            span(view.rpo_s),
            span(view.measured_rto_s),
            span(view.rto_s),
            ago(view.proven_at, now) if view.proven_at else "never",
        )
    return table


def _lost(view: WorkloadStatus) -> str:
    if view.state == "never":
        return "everything  NEVER"
    word = "" if view.state == "ok" else f"  {view.state.upper()}"
    return span(view.achieved_rpo_s) + word


def _next(screen: Screen, views: Sequence[WorkloadStatus], zone: ZoneInfo, now: datetime) -> None:
    late = [view.workload for view in views if view.state in ("due", "late", "failing", "never")]
    if late:
        screen.out.print(f"\nnext: backstay run {' '.join(late) if len(late) < 6 else '--due'}", soft_wrap=True)
        return
    soonest = min((view for view in views if view.next_due_at), key=lambda v: v.next_due_at or now, default=None)
    if soonest and soonest.next_due_at:
        screen.out.print(f"\nnext: {escape(soonest.workload)} at {local(soonest.next_due_at, zone, now)}")
