"""Progress of work in hand on standard error: bars on a terminal, plain lines in a pipe, nothing when quiet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from .terminal import Screen, size

Show = Callable[[str, str, int | None, int | None], None]


@contextmanager
def progress(screen: Screen) -> Iterator[Show | None]:
    """Something to call with a subject, its phase, bytes done and total."""
    if screen.quiet:
        yield None
    elif screen.err.is_terminal:
        with _bars(screen) as show:
            yield show
    else:
        yield _lines(screen)


@contextmanager
def _bars(screen: Screen) -> Iterator[Show]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

    bars = Progress(
        TextColumn("  {task.description}"),
        BarColumn(bar_width=18),
        DownloadColumn(),
        TransferSpeedColumn(),
        TextColumn("{task.fields[phase]}"),
        console=screen.err,
        transient=True,
    )
    tasks: dict[str, TaskID] = {}
    lock = Lock()

    def show(subject: str, phase: str, done: int | None, total: int | None) -> None:
        with lock:
            if subject not in tasks:
                tasks[subject] = bars.add_task(subject, total=None, phase=phase)
            bars.update(tasks[subject], completed=done or 0, total=total, phase=phase)

    with bars:
        yield show


def _lines(screen: Screen) -> Show:
    """One line for each phase of each subject; a pipe is read later, not watched."""
    last: dict[str, str] = {}

    def show(subject: str, phase: str, done: int | None, total: int | None) -> None:
        if last.get(subject) != phase:
            last[subject] = phase
            amount = f" ({size(total)})" if total else ""
            screen.err.print(f"{subject}: {phase}{amount}", markup=False)

    return show
