"""How a drill looks: a line a level, the verdict last."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.markup import escape

from backstay.app.wiring import Opened
from backstay.domain.drills import LEVELS, Drill

from .terminal import Screen, columns, local, span

MARKS = {"passed": "✓", "failed": "✗", "skipped": "–"}


def show_drills(screen: Screen, house: Opened, drills: Sequence[Drill]) -> None:
    """Every drill in full; with several, the verdicts once more at the end."""
    if not drills:
        screen.out.print("no drill is due")
        return
    zone, now = ZoneInfo(house.estate.timezone), house.clock.now()
    for drill in drills:
        _drill(screen, drill, local(drill.as_of, zone, now))
    if len(drills) > 1:
        proven = sum(drill.verdict == "proven" for drill in drills)
        screen.out.print(f"{proven} of {len(drills)} proven")


def _drill(screen: Screen, drill: Drill, as_of: str) -> None:
    screen.out.print(f"{escape(drill.workload)}, point {drill.point} from {as_of}")
    table = columns("", "", "", "")
    for level in drill.levels:
        if level.level == "L7" and level.result == "skipped":
            continue
        table.add_row(f"  {MARKS[level.result]}", level.level, LEVELS[level.level], escape(level.detail))
    screen.out.print(table)
    rto = f", back in {span(drill.rto_s)}" if drill.rto_s is not None else ""
    screen.out.print(f"{_words(drill)}{rto} · evidence {drill.evidence:06d}", style="bold")
    for hint in dict.fromkeys(finding.hint for finding in drill.findings if finding.hint):
        screen.out.print(f"  {escape(hint)}", soft_wrap=True)
    screen.out.print()


def _words(drill: Drill) -> str:
    failed = next((level.level for level in drill.levels if level.result == "failed"), None)
    return {
        "proven": "PROVEN: it is what was backed up",
        "restored": "RESTORED, but not proven to be what was backed up",
        "failed": f"FAILED at {failed}",
        "inconclusive": "INCONCLUSIVE: it could not be tested",
    }[drill.verdict]
