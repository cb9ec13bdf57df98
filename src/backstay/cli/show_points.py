"""How points, restores, verdicts on stored bytes, keys and promises look."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from backstay.app.engines import EngineView
from backstay.app.keys import KeyView
from backstay.app.points import RepositoryVerdict, RestoreView
from backstay.app.views import PointView
from backstay.app.wiring import Opened

from .terminal import Screen, count, heading, local, size, span


def show_points(screen: Screen, house: Opened, views: Sequence[PointView]) -> None:
    """Restore points, newest first."""
    zone, now = ZoneInfo(house.estate.timezone), house.clock.now()
    top = heading(house.estate.name, now, zone)
    if not views:
        screen.say(f"{top} · no restore points yet; take one with backstay run --all")
        return
    screen.say(f"{top} · {count(len(views), 'restore point')}\n")
    rows = [
        (
            view.point,
            view.workload,
            local(view.as_of, zone, now),
            view.state,
            size(view.bytes),
            view.target,
            view.engine,
        )
        for view in views
    ]
    screen.table(("point", "workload", "as of", "state", "size", "target", "engine"), rows)


def show_restore(screen: Screen, house: Opened, view: RestoreView) -> None:
    """Where it lies, and what to do with it."""
    zone, now = ZoneInfo(house.estate.timezone), house.clock.now()
    screen.say(
        f"{view.workload} as of {local(view.as_of, zone, now)} (point {view.point}): "
        f"{count(view.files, 'file')}, {size(view.bytes)} in {span(view.seconds)}"
    )
    screen.verbatim(view.path)
    if view.next_steps:
        screen.say("to put it in place:")
    for line in view.next_steps:
        screen.verbatim(line, indent=2)


def show_verified(screen: Screen, seen: Sequence[RepositoryVerdict]) -> None:
    """One line a repository, each problem below it, and the verdict last."""
    if not seen:
        screen.say("nothing is stored yet")
        return
    for each in seen:
        word = "✗ damaged" if each.problems else "✓ whole  "
        name = f"{each.target}/{each.engine}/{each.repository}"
        screen.say(f"{word}  {name}  {count(each.checked, 'piece')}, {size(each.bytes)}")
        for line in (*each.problems, *each.remarks):
            screen.say(line, indent=4)
    whole = sum(not each.problems for each in seen)
    screen.say(f"{whole} of {count(len(seen), 'repository', 'repositories')} whole")


def show_keys(screen: Screen, views: Sequence[KeyView]) -> None:
    """One block a repository; lines are paths and stay whole."""
    for view in views:
        screen.verbatim(view.address)
        made = "" if view.exists else "  (made at the first run)"
        screen.verbatim(f"key: {view.key}{made}", indent=2)
    lonely = sum(bool(view.findings) for view in views)
    if lonely:
        screen.say(f"\n{count(lonely, 'key')} once only, on this machine: keep a copy of each in another place.")


def show_promises(screen: Screen, views: Sequence[EngineView]) -> None:
    """One line a promise, tool by tool."""
    for view in views:
        screen.say(f"{view.engine} {view.version} in {view.target}", style="bold")
        for each in view.promises:
            screen.say(f"{'✓' if each.kept else '✗'} {each.promise}", indent=2)
            if not each.kept:
                screen.say(each.detail, indent=6)
        good = sum(each.kept for each in view.promises)
        screen.say(f"{good} of {len(view.promises)} promises kept")
