"""Progress of work in hand on standard error: bars on a terminal, plain lines in a pipe, nothing when quiet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from .output import printable
from .terminal import Screen, size

if TYPE_CHECKING:
    from rich.progress import Progress

Show = Callable[[str, str, int | None, int | None], None]

ENDINGS = ("done", "incomplete", "failed", "skipped", "cancelled", "proven", "restored", "inconclusive")

PHASES = {
    "look": "looking at the source",
    "stage": "copying through one read transaction",
    "dump": "dumping",
    "copy": "storing",
    "fingerprint": "taking the fingerprint",
    "restore": "restoring",
    "raise": "bringing it to life",
    "load": "loading it",
    "pieces": "checking the pieces",
    "check": "letting the engine check",
    "L0": "checking the pieces",
    "L1": "letting the engine check",
    "L2": "restoring",
    "L3": "bringing it to life",
    "L4": "comparing the structure",
    "L5": "comparing the data",
    "L6": "making sure that it is this backup",
    "L7": "asking your questions",
}
"""What people read for the names that flows, kinds and engines give their phases; other names are words already."""

INNER = ("verify",)
"""Phases of an engine within one of ours, which says more."""


@contextmanager
def progress(screen: Screen) -> Iterator[Show | None]:
    """Something to call with a subject, its phase, bytes done and total."""
    if screen.quiet:
        yield None
    elif screen.err.is_terminal and not screen.err.is_dumb_terminal:
        with _bars(screen) as show:
            yield show
    else:
        yield _lines(screen)


@contextmanager
def _bars(screen: Screen) -> Iterator[Show]:
    from rich.progress import TaskID

    bars = _columns(screen)
    tasks: dict[str, tuple[TaskID, str]] = {}
    lock = Lock()

    def show(subject: str, phase: str, done: int | None, total: int | None) -> None:
        with lock:
            known, before = tasks.get(subject, (None, ""))
            now = before if phase in INNER and before else phase
            if known is None or now != before:
                # A new phase is a new task: its rate and its end are its own.
                if known is not None:
                    bars.remove_task(known)
                known = bars.add_task(printable(subject), total=None, words=printable(PHASES.get(now, now)), amount="")
                tasks[subject] = known, now
            moving = _amount(done, total)
            bars.update(known, completed=done or 0, total=total, amount=moving, visible=now not in ENDINGS)

    with bars:
        yield show


def _columns(screen: Screen) -> Progress:
    """Name, phase, bytes, rate and the time left; the bar itself where there is room for it."""
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """Rate and time left, once something moves."""

        def render(self, task: Task) -> Text:
            if not task.speed or not task.completed:
                return Text("")
            left = f"  {task.time_remaining:.0f} s left" if task.time_remaining else ""
            return Text(f"{size(int(task.speed))}/s{left}")

    bar = [BarColumn(bar_width=12)] if screen.err.width >= 100 else []
    name, words = TextColumn("  {task.description}"), TextColumn("{task.fields[words]}")
    amount = TextColumn("{task.fields[amount]}")
    return Progress(name, words, *bar, amount, Rate(), console=screen.err, transient=True)


def _amount(done: int | None, total: int | None) -> str:
    if not done:
        return ""
    return f"{size(done)} of {size(total)}" if total else size(done)


def _lines(screen: Screen) -> Show:
    """One line for each phase of each subject; a pipe is read later, not watched."""
    last: dict[str, str] = {}
    lock = Lock()

    def show(subject: str, phase: str, done: int | None, total: int | None) -> None:
        words = PHASES.get(phase, phase)
        with lock:
            if phase in INNER or last.get(subject) == words:
                return
            last[subject] = words
            screen.err.print(f"{printable(subject)}: {printable(words)}", soft_wrap=True)

    return show
