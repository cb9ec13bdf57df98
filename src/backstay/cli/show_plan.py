"""How a plan looks: when, how long, where to, and why."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from rich.markup import escape

from backstay.app.plan import PlanView
from backstay.app.wiring import Opened

from .terminal import Screen, columns, local, span

BAR = 16
SHOWN = 40


def show_plan(screen: Screen, house: Opened, view: PlanView) -> None:
    """One line a job, in the order in which they run."""
    zone = ZoneInfo(house.estate.timezone)
    start, end = view.from_at.astimezone(zone), view.until_at.astimezone(zone)
    screen.out.print(
        f"{house.estate.name}, {start:%a %d %b %H:%M} to {end:%a %H:%M %Z} · {view.workflow} ({escape(view.why)})\n"
    )
    for impossible in view.impossible:
        screen.out.print(f"cannot be kept: {escape(impossible['message'])}\n  {escape(impossible['hint'])}")
    if not view.jobs:
        screen.out.print("nothing is due in this time")
        return
    _jobs(screen, view, zone)
    screen.out.print(
        f"\n{len(view.jobs)} jobs, {span(view.makespan_s)} from first start to last end · "
        f"at least {span(view.bound_s)} of work, {escape(view.binding)}"
    )


def _jobs(screen: Screen, view: PlanView, zone: ZoneInfo) -> None:
    table = columns("start", "workload", "", "takes", "to", "why")
    first = view.jobs[0].start_at
    length = max(max(job.end_at for job in view.jobs) - first, timedelta(seconds=1))
    for job in view.jobs[:SHOWN]:
        table.add_row(
            local(job.start_at, zone, view.from_at),
            escape(job.workload),
            _bar(job.start_at - first, job.end_at - first, length),
            span((job.end_at - job.start_at).total_seconds()),
            escape(job.target),
            escape("; ".join(job.reasons)),
        )
    screen.out.print(table)
    if len(view.jobs) > SHOWN:
        screen.out.print(f"… and {len(view.jobs) - SHOWN} more; --json has all of them")


def _bar(start: timedelta, end: timedelta, length: timedelta) -> str:
    begin = min(int(start / length * BAR), BAR - 1)
    cells = max(1, round((end - start) / length * BAR))
    return " " * begin + "▇" * min(cells, BAR - begin)
