"""How patterns side by side and the coming days look."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from backstay.app.foresight import CompareView, DayView, Gap, PatternView, SimulateView
from backstay.app.wiring import Opened

from .terminal import Screen, count, local, size, span

MOST_GAPS = 10
"""Gaps that are named one by one."""


def show_compare(screen: Screen, house: Opened, view: CompareView) -> None:
    """The best first; the last line says which one `plan` and `run` use here."""
    screen.say(f"{house.estate.name}: {count(view.workloads, 'workload')}, every one once{_guessed(view)}\n")
    if not view.patterns or not view.workloads:
        screen.say("there is nothing to back up")
        return
    longest = max(pattern.makespan_s for pattern in view.patterns) or 1.0
    rows = [_pattern(pattern, longest) for pattern in view.patterns]
    screen.table(("", "pattern", "takes", "× possible", "late", "at once", ""), rows)
    screen.say(f"\nat least {span(view.bound_s)}, because of {view.binding}")
    boundless = sorted(pattern.name for pattern in view.patterns if round(pattern.ratio, 2) < 1)
    if boundless:
        screen.say(f"{' and '.join(boundless)}: below 1.00, for no limit of slots is kept there")
    screen.say(f"here: {view.chosen} ({view.why})")


def _pattern(pattern: PatternView, longest: float) -> tuple[str, ...]:
    bar = "▇" * max(1, round(20 * pattern.makespan_s / longest))
    late = f"{pattern.late}" + (f", {pattern.unplaced} never" if pattern.unplaced else "")
    return (
        "›" if pattern.chosen else "",
        pattern.name,
        span(pattern.makespan_s),
        f"{pattern.ratio:.2f}",
        late,
        str(pattern.peak),
        bar,
    )


def _guessed(view: CompareView | SimulateView) -> str:
    guessed = view.workloads - view.measured
    return f"; {count(guessed, 'duration')} not measured yet" if guessed else ""


def show_simulate(screen: Screen, house: Opened, view: SimulateView) -> None:
    """A line a day, then the times in which an RPO is not met."""
    days = count(len(view.days), "day")
    screen.say(f"{house.estate.name}: {count(view.workloads, 'workload')} over {days}{_guessed(view)}\n")
    stored = {each.day: each.bytes for each in view.storage}
    titles = ("day", "runs", "busy", "at once", "outside", "drills", "verifies", "stored since")
    screen.table(titles, [_day(day, stored.get(day.day, 0)) for day in view.days])
    screen.say()
    if not view.gaps:
        screen.say("every RPO is met on every day")
        return
    _gaps(screen, house, view.gaps)


def _day(day: DayView, stored: int) -> tuple[str, ...]:
    return (
        f"{day.day:%a %d %b}",
        str(day.runs),
        span(day.busy_s),
        str(day.peak),
        str(day.outside),
        str(day.drills),
        str(day.verifies),
        size(stored),
    )


def _gaps(screen: Screen, house: Opened, gaps: Sequence[Gap]) -> None:
    zone = ZoneInfo(house.estate.timezone)
    broken = {gap.workload for gap in gaps}
    screen.say(f"{count(len(gaps), 'gap')} in which an RPO is not met, of {count(len(broken), 'workload')}")
    longest = sorted(gaps, key=lambda gap: (gap.from_at - gap.until_at, gap.workload))[:MOST_GAPS]
    rows = [(gap.workload, local(gap.from_at, zone), span(_length_s(gap))) for gap in longest]
    screen.table(("workload", "from", "for"), rows)
    if len(gaps) > len(rows):
        screen.say(f"and {count(len(gaps) - len(rows), 'shorter one')}")


def _length_s(gap: Gap) -> float:
    return (gap.until_at - gap.from_at).total_seconds()
