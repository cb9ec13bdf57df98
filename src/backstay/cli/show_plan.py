"""How a plan looks: when, how long, where to, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.markup import escape

from backstay.app.plan import Job, PlanView
from backstay.app.wiring import Opened

from .terminal import Screen, columns, local, span

BAR = 16


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
    """The first run of each workload in full; the later ones, which are alike, in one word."""
    table = columns("start", "workload", "", "takes", "to", "why")
    first = view.jobs[0].start_at
    length = max(max(job.end_at for job in view.jobs) - first, timedelta(seconds=1))
    turns: dict[str, list[Job]] = {}
    for job in view.jobs:
        turns.setdefault(job.workload, []).append(job)
    for jobs in turns.values():
        job = jobs[0]
        table.add_row(
            local(job.start_at, zone, view.from_at),
            escape(job.workload),
            _bars(jobs, first, length),
            span((job.end_at - job.start_at).total_seconds()),
            escape(job.target),
            escape("; ".join(job.reasons)) + _again(jobs),
        )
    screen.out.print(table)


def _again(jobs: Sequence[Job]) -> str:
    if len(jobs) == 1:
        return ""
    between = (jobs[-1].start_at - jobs[0].start_at) / (len(jobs) - 1)
    times = f"{len(jobs) - 1} times" if len(jobs) > 2 else "once"
    return f"\nthen {times} more, about every {span(between.total_seconds())}"


def _bars(jobs: Sequence[Job], first: datetime, length: timedelta) -> str:
    cells = [" "] * BAR
    for job in jobs:
        begin = min(int((job.start_at - first) / length * BAR), BAR - 1)
        end = max(begin + 1, round((job.end_at - first) / length * BAR))
        cells[begin:end] = "▇" * (min(end, BAR) - begin)
    return "".join(cells)
