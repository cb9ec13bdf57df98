"""How a drill looks: a line a level, the verdict last."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from backstay.app.wiring import Opened
from backstay.domain.drills import LEVELS, Drill, Level

from .terminal import Screen, local, span

MARKS = {"passed": "✓", "failed": "✗", "skipped": "–"}

FAILED: dict[Level, str] = {
    "L0": "its stored pieces were not found whole",
    "L1": "the engine's own check did not pass",
    "L2": "it cannot be restored in full",
    "L3": "it is restored, but does not come to life",
    "L4": "it comes to life, but its structure is not what was backed up",
    "L5": "it comes to life, but its data is not what was backed up",
    "L6": "it comes to life, but it is another backup",
    "L7": "it is what was backed up, but does not answer your questions as it should",
}


def show_drills(screen: Screen, house: Opened, drills: Sequence[Drill]) -> None:
    """Every drill in full; with several, the count at the end."""
    if not drills:
        screen.say("no drill is due")
        return
    zone, now = ZoneInfo(house.estate.timezone), house.clock.now()
    for number, drill in enumerate(drills):
        screen.say(
            "\n" * min(number, 1) + f"{drill.workload}, point {drill.point} from {local(drill.as_of, zone, now)}"
        )
        _drill(screen, drill)
    if len(drills) > 1:
        proven = sum(drill.verdict == "proven" for drill in drills)
        screen.say(f"\n{proven} of {len(drills)} proven")


def _drill(screen: Screen, drill: Drill) -> None:
    asked = [level for level in drill.levels if level.level != "L7" or level.result != "skipped"]
    rows = [(MARKS[each.result], each.level, LEVELS[each.level], each.detail) for each in asked]
    screen.table(("", "", "", ""), rows)
    rto = f", back in {span(drill.rto_s)}" if drill.rto_s is not None else ""
    screen.say(f"{_words(drill)}{rto} · evidence {drill.evidence:06d}", style="bold")
    for hint in dict.fromkeys(finding.hint for finding in drill.findings if finding.hint):
        screen.say(hint, indent=2)


def _words(drill: Drill) -> str:
    failed = next((level.level for level in drill.levels if level.result == "failed"), None)
    return {
        "proven": "PROVEN: it is what was backed up",
        "restored": "RESTORED, but not proven to be what was backed up",
        "failed": f"FAILED at {failed}: {FAILED[failed]}" if failed else "FAILED",
        "inconclusive": "INCONCLUSIVE: it could not be tested",
    }[drill.verdict]
