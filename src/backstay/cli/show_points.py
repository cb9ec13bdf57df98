"""How points, restores, verdicts on stored bytes, keys and promises look."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.markup import escape

from backstay.app.engines import EngineView
from backstay.app.keys import KeyView
from backstay.app.points import RepositoryVerdict, RestoreView
from backstay.app.views import PointView
from backstay.app.wiring import Opened

from .terminal import Screen, columns, heading, local, size, span


def show_points(screen: Screen, house: Opened, views: Sequence[PointView]) -> None:
    """Restore points, newest first."""
    zone, now = ZoneInfo(house.estate.timezone), house.clock.now()
    screen.out.print(heading(house.estate.name, now, zone))
    if not views:
        screen.out.print("no restore points yet; take one with backstay run --all")
        return
    table = columns("point", "workload", "as of", "state", "size", "target", "engine")
    for view in views:
        table.add_row(
            view.point,
            escape(view.workload),
            local(view.as_of, zone, now),
            view.state,
            size(view.bytes),
            escape(view.target),
            view.engine,
        )
    screen.out.print(table)


def show_restore(screen: Screen, house: Opened, view: RestoreView) -> None:
    """Where it lies, and what to do with it."""
    zone, now = ZoneInfo(house.estate.timezone), house.clock.now()
    screen.out.print(
        f"{escape(view.workload)} as of {local(view.as_of, zone, now)} (point {view.point}): "
        f"{view.files:,} files, {size(view.bytes)} in {span(view.seconds)}"
    )
    screen.out.print(escape(view.path), soft_wrap=True)
    for line in view.next_steps:
        screen.out.print(f"  {escape(line)}", soft_wrap=True)


def show_verified(screen: Screen, seen: Sequence[RepositoryVerdict]) -> None:
    """One line a repository, and each problem below it."""
    if not seen:
        screen.out.print("nothing is stored yet")
        return
    for each in seen:
        word = "✗ damaged" if each.problems else "✓ whole"
        name = f"{each.target}/{each.engine}/{each.repository}"
        screen.out.print(f"{word}  {escape(name)}  {each.checked:,} pieces, {size(each.bytes)}")
        for line in (*each.problems, *each.remarks):
            screen.out.print(f"    {escape(line)}", soft_wrap=True)


def show_keys(screen: Screen, views: Sequence[KeyView]) -> None:
    """One block a repository; lines are paths and stay whole."""
    for view in views:
        screen.out.print(f"{escape(view.address)}", soft_wrap=True)
        made = "" if view.exists else "  (made at the first run)"
        screen.out.print(f"  key: {escape(view.key)}{made}", soft_wrap=True)
        for finding in view.findings:
            screen.out.print(f"  {escape(finding.message)}: {escape(finding.hint or '')}", soft_wrap=True)


def show_promises(screen: Screen, views: Sequence[EngineView]) -> None:
    """One line a promise, tool by tool."""
    for view in views:
        screen.out.print(f"{view.engine} {view.version} in {escape(view.target)}", style="bold")
        for each in view.promises:
            screen.out.print(f"  {'✓' if each.kept else '✗'} {escape(each.promise)}", soft_wrap=True)
            if not each.kept:
                screen.out.print(f"      {escape(each.detail)}", soft_wrap=True)
        good = sum(each.kept for each in view.promises)
        screen.out.print(f"{good} of {len(view.promises)} promises kept")
