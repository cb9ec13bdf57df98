"""How status looks: what would be lost now, what is owed, and what was proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from backstay.app.status import WorkloadStatus
from backstay.app.wiring import Opened

from .terminal import Screen, ago, heading, local, span

ORDER = ("ok", "due", "late", "failing", "never", "exempt")
BAD = {
    "due": "is due now",
    "late": "is late",
    "failing": "is failing",
    "never": "has no point that counts",
}
NAMED = 5
"""More workloads than this are not named one by one in a command."""


def show_status(screen: Screen, house: Opened, views: Sequence[WorkloadStatus]) -> None:
    """One line a workload; below, what is wrong and the commands that mend it."""
    zone, now = ZoneInfo(house.estate.timezone), house.clock.now()
    counts = Counter(view.state for view in views)
    tally = ", ".join(f"{counts[state]} {state}" for state in ORDER if counts[state])
    screen.say(f"{heading(house.estate.name, now, zone)} · {tally or 'no workloads'}\n")
    titles = ("workload", "lost if it died now", "owed", "back in", "owed", "proven")
    screen.table(titles, [_row(view, now) for view in views])
    _groups(screen, views)
    for view in views:
        _wrong(screen, view)
    _next(screen, views, zone, now)


def _row(view: WorkloadStatus, now: datetime) -> tuple[str, ...]:
    if view.exempt_until is not None:
        until = date.fromisoformat(view.exempt_until)
        return (view.workload, f"–  exempt until {until:%d %b %Y}: {view.exempt_reason}")
    drill_due = any(finding.code == "drill-due" for finding in view.findings)
    proven = ago(view.proven_at, now) if view.proven_at else "never"
    return (
        view.workload,
        _lost(view),
        span(view.rpo_s),
        span(view.measured_rto_s),
        span(view.rto_s),
        f"{proven}: drill due" if drill_due else proven,
    )


def _lost(view: WorkloadStatus) -> str:
    if view.state == "never":
        return "everything  NEVER"
    word = "" if view.state == "ok" else f"  {view.state.upper()}"
    return span(view.achieved_rpo_s) + word


def _groups(screen: Screen, views: Sequence[WorkloadStatus]) -> None:
    """How far apart the moments are to which the members of a group would return."""
    apart = {view.group: view.group_spread_s for view in views if view.group_spread_s is not None}
    for group, spread_s in apart.items():
        screen.say(f"\ngroup {group}: the newest points of its members are {span(spread_s)} apart")


def _wrong(screen: Screen, view: WorkloadStatus) -> None:
    """Why a workload is not as it should be; a drill that is due stands in the table and in the last line."""
    told = [finding for finding in view.findings if finding.code != "drill-due"]
    if not told:
        return
    state = f" {BAD[view.state]}" if view.state in BAD else ""
    for finding in told:
        screen.say(f"\n{view.workload}{state}: {finding.message}")
        if finding.hint:
            screen.say(finding.hint, indent=2)
    if view.last_run and any(finding.code.startswith("run-") for finding in told):
        screen.verbatim(f"backstay log {view.last_run}", indent=2)


def _next(screen: Screen, views: Sequence[WorkloadStatus], zone: ZoneInfo, now: datetime) -> None:
    late = [view.workload for view in views if view.state in BAD]
    undrilled = [view.workload for view in views if any(each.code == "drill-due" for each in view.findings)]
    screen.say()
    if late:
        screen.verbatim(f"next: backstay run {_named(late)}")
    elif undrilled:
        screen.verbatim(f"next: backstay drill {_named(undrilled)}")
    else:
        soonest = min((view for view in views if view.next_due_at), key=lambda v: v.next_due_at or now, default=None)
        if soonest and soonest.next_due_at:
            screen.say(f"next: {soonest.workload} at {local(soonest.next_due_at, zone, now)}")


def _named(workloads: Sequence[str]) -> str:
    return " ".join(workloads) if len(workloads) <= NAMED else "--due"
