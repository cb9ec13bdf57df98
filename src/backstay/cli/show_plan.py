"""How a plan looks: what runs when as a chart, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from backstay.app.plan import Job, PlanView
from backstay.app.views import LatelyView
from backstay.app.wiring import Opened

from .terminal import Screen, count, local, span

NARROW, WIDE = 16, 60
"""Columns of a chart; where there is no room for the narrow one there is none."""

STEPS = [timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14400)]
DAY = timedelta(days=1)

MOST_LIMITS = 3
"""Limits that are named of those that held the last runs."""

TITLES = ("workload", "start", "takes", "to", "")


def show_plan(screen: Screen, house: Opened, view: PlanView) -> None:
    """One line a workload, in the order in which they first run."""
    zone = ZoneInfo(house.estate.timezone)
    start, end = view.from_at.astimezone(zone), view.until_at.astimezone(zone)
    screen.say(f"{house.estate.name}, {start:%a %d %b %H:%M} to {end:%a %H:%M %Z} · {view.workflow} ({view.why})\n")
    for impossible in view.impossible:
        screen.say(f"cannot be kept: {impossible['message']}")
        screen.say(impossible["hint"] or "", indent=2)
    if view.jobs:
        _planned(screen, view, zone)
    else:
        screen.say("nothing is due in this time")
    if view.lately.held:
        screen.say(_lately(view.lately, zone))
    if view.lately.advice:
        screen.say(view.lately.advice, indent=2)


def _planned(screen: Screen, view: PlanView, zone: ZoneInfo) -> None:
    turns: dict[str, list[Job]] = {}
    for job in view.jobs:
        turns.setdefault(job.workload, []).append(job)
    _chart(screen, view, turns, zone)
    _reasons(screen, turns)
    alone = len(view.jobs) == 1
    bound = "" if alone else f" · {view.ratio:.2f} × what physics and slots allow · {view.binding} decides"
    screen.say(f"\n{count(len(view.jobs), 'job')}, {span(view.makespan_s)} at the busiest time{bound}")
    for relief in view.reliefs:
        screen.say(relief, indent=2)
    if view.late:
        screen.say(f"too late for their RPO: {', '.join(view.late)}")


def _lately(view: LatelyView, zone: ZoneInfo) -> str:
    """What was measured, beside what is planned."""
    first, *others = (
        f"{f'{each.limit} held' if each.limit else 'nothing of ours held'} {each.runs} of {count(view.runs, 'run')},"
        f" for {100 * each.part:.0f} % of the moving time"
        for each in view.held[:MOST_LIMITS]
    )
    waited = f"; the longest waited {span(view.longest_waiting_s)} for its turn" if view.longest_waiting_s >= 1 else ""
    return f"since {local(view.from_at, zone)}: {'; '.join((first, *others))}{waited}"


@dataclass(frozen=True, slots=True)
class _Axis:
    """Moments as columns."""

    first: datetime
    length: timedelta
    cells: int

    def column(self, moment: datetime) -> int:
        return int((moment - self.first) / self.length * self.cells)

    def bar(self, jobs: Sequence[Job]) -> str:
        cells = [" "] * self.cells
        for job in jobs:
            begin = min(self.column(job.start_at), self.cells - 1)
            end = min(max(begin + 1, self.column(job.end_at)), self.cells)
            cells[begin:end] = "▇" * (end - begin)
        return "".join(cells)

    def marks(self, zone: ZoneInfo) -> str:
        """Whole hours, or what fits, above their columns."""
        line = ""
        for moment in self._ticks(zone):
            place = self.column(moment)
            label = _label(moment.astimezone(zone), self._step())
            if place >= len(line) + bool(line) and place + len(label) <= self.cells:
                line = line.ljust(place) + label
        return line.ljust(self.cells)

    def _ticks(self, zone: ZoneInfo) -> Iterator[datetime]:
        midnight = self.first.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        tick = midnight + ((self.first - midnight) // self._step()) * self._step()
        while tick <= self.first + self.length:
            if tick >= self.first:
                yield tick
            tick += self._step()

    def _step(self) -> timedelta:
        return next((step for step in STEPS if step / self.length * self.cells >= 7), STEPS[-1])


def _label(here: datetime, step: timedelta) -> str:
    return f"{here:%d %b}" if step >= DAY else f"{here:%H:%M}"


def _chart(screen: Screen, view: PlanView, turns: dict[str, list[Job]], zone: ZoneInfo) -> None:
    first = view.jobs[0].start_at
    length = max(max(job.end_at for job in view.jobs) - first, timedelta(minutes=1))
    rows = [_row(view, name, jobs, zone) for name, jobs in turns.items()]
    beside = sum(max(len(cell) for cell in cells) + 2 for cells in zip(TITLES, *rows, strict=True))
    axis = _Axis(first, length, min((screen.width or 100) - beside - 2, WIDE))
    if axis.cells < NARROW:
        screen.table(TITLES, rows)
        return
    bars = [axis.bar(jobs) for jobs in turns.values()]
    titles = (TITLES[0], axis.marks(zone), *TITLES[1:])
    screen.table(titles, [(name, bar, *rest) for (name, *rest), bar in zip(rows, bars, strict=True)])


def _row(view: PlanView, name: str, jobs: Sequence[Job], zone: ZoneInfo) -> tuple[str, ...]:
    takes = span((jobs[0].end_at - jobs[0].start_at).total_seconds())
    return (name, _start(jobs[0], zone, view.from_at), takes, jobs[0].target, _again(jobs))


def _start(job: Job, zone: ZoneInfo, now: datetime) -> str:
    """A weekday is enough within a week."""
    if job.start_at - now > timedelta(days=6):
        return local(job.start_at, zone)
    today = job.start_at.astimezone(zone).date() == now.astimezone(zone).date()
    return f"{job.start_at.astimezone(zone):{'%H:%M' if today else '%a %H:%M'}}"


def _again(jobs: Sequence[Job]) -> str:
    if len(jobs) == 1:
        return "once"
    between = (jobs[-1].start_at - jobs[0].start_at) / (len(jobs) - 1)
    return f"{len(jobs)}×, every {span(between.total_seconds())}"


def _reasons(screen: Screen, turns: dict[str, list[Job]]) -> None:
    """Each reason once, with the workloads whose first run it explains."""
    because: dict[str, list[str]] = {}
    for name, jobs in turns.items():
        for reason in jobs[0].reasons:
            because.setdefault(reason, []).append(name)
    screen.say()
    names = {reason: "all" if len(those) == len(turns) > 1 else ", ".join(those) for reason, those in because.items()}
    screen.table(("why", ""), list(names.items()))
