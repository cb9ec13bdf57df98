"""The screen: where words and tables go, and how numbers are written for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.cells import cell_len
from rich.console import Console

from .output import folded, printable

LEAST = 18
"""Columns below which the last cell of a table is not squeezed; the rows are stacked instead."""


@dataclass(frozen=True, slots=True)
class Screen:
    """Results go to `out`, progress to `err`; colour only repeats what the words say.

    Words are folded between words, never within a path or a name. In a pipe nothing is folded (`width` is None).
    """

    out: Console
    err: Console
    quiet: bool
    width: int | None

    def say(self, text: str = "", *, indent: int = 0, style: str | None = None) -> None:
        """A paragraph; each line of it folded to the screen, the rest of a folded line below its beginning."""
        for line in text.split("\n"):
            for part in self._folded(printable(line), indent):
                self.out.print(" " * indent + part, style=style, soft_wrap=True)

    def tell(self, sentence: str) -> None:
        """A sentence for whoever waits; never part of a result."""
        self.err.print(printable(sentence), soft_wrap=True)

    def verbatim(self, line: str, *, indent: int = 0) -> None:
        """A line to copy: a command, a path. It is never folded."""
        room = self.width is None or indent + cell_len(line) <= self.width
        self.out.print(" " * (indent if room else 0) + printable(line), soft_wrap=True)

    def table(self, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows in columns, the last of which is folded; a shorter row says its last cell across what is left.

        Shape: where the columns do not fit beside one another, each row becomes a few lines.
        """
        rows = [tuple(map(printable, row)) for row in rows]
        whole = [titles, *(row for row in rows if len(row) == len(titles))]
        widths = [max(cell_len(row[place]) for row in whole) for place in range(len(titles))]
        before = 2 * len(widths) + sum(widths[:-1])
        if self.width and before + min(widths[-1], LEAST) > self.width:
            for row in rows:
                self._stacked(titles[: len(row)], row)
            return
        if any(titles):
            self._row(titles, widths, "dim")
        for row in rows:
            self._row(row, widths, None)

    def _row(self, cells: Sequence[str], widths: Sequence[int], style: str | None) -> None:
        before = "".join(f"  {cell}{' ' * (width - cell_len(cell))}" for cell, width in zip(cells[:-1], widths))  # noqa: B905 - a short row ends early
        indent = cell_len(before) + 2
        first, *more = self._folded(cells[-1], indent)
        self.out.print(f"{before}  {first}".rstrip(), style=style, soft_wrap=True)
        for line in more:
            self.out.print(" " * indent + line, style=style, soft_wrap=True)

    def _stacked(self, titles: Sequence[str], cells: Sequence[str]) -> None:
        named = next((place for place, title in enumerate(titles) if title), len(cells) - 2)
        self.say(" ".join(cell for cell in cells[: named + 1] if cell), indent=2)
        rest = zip(titles[named + 1 :], cells[named + 1 :], strict=True)
        self.say(" · ".join(f"{title} {cell}".strip() for title, cell in rest), indent=4)

    def _folded(self, line: str, indent: int) -> list[str]:
        if self.width is None or cell_len(line) + indent <= self.width:
            return [line]
        return folded(line, max(self.width - indent, LEAST))


def screen(*, quiet: bool, no_color: bool) -> Screen:
    """Consoles that keep to NO_COLOR, to --no-color and to what the terminal can do."""
    color = None if no_color or os.environ.get("NO_COLOR") else "auto"
    out = Console(color_system=color, highlight=False, markup=False, emoji=False)  # type: ignore[arg-type]  # a literal of rich's own
    err = Console(color_system=color, highlight=False, markup=False, emoji=False, stderr=True)  # type: ignore[arg-type]  # the same
    return Screen(out, err, quiet, out.width if sys.stdout.isatty() else None)


def span(seconds: float | None) -> str:
    """A span in the two units that matter.

    >>> span(7500), span(42.3), span(0.24), span(None)
    ('2 h 05 min', '42 s', '0.2 s', '–')
    """
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s" if seconds < 9.95 else "10 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60:02d} s" if whole % 60 and whole < 600 else "")
    if whole < 2 * 86400:
        return f"{whole // 3600} h" + (f" {whole % 3600 // 60:02d} min" if whole % 3600 // 60 else "")
    return f"{whole // 86400} days"


def size(count: int | None) -> str:
    """Bytes in decimal units.

    >>> size(999), size(4_100_000_000), size(None)
    ('999 B', '4.1 GB', '–')
    """
    if count is None:
        return "–"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def count(number: int, one: str, many: str | None = None) -> str:
    """A number and its noun.

    >>> count(1, "policy", "policies"), count(1200, "file")
    ('1 policy', '1,200 files')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def local(moment: datetime, zone: ZoneInfo, now: datetime | None = None) -> str:
    """Local time; the day is left out if it is today's."""
    here = moment.astimezone(zone)
    if now is not None and here.date() == now.astimezone(zone).date():
        return f"{here:%H:%M}"
    return f"{here:%d %b %H:%M}"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in words.

    >>> from datetime import UTC
    >>> ago(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 13, tzinfo=UTC))
    '12 days ago'
    """
    past = now - moment
    if past < timedelta(minutes=1):
        return "just now"
    minutes = past < timedelta(hours=1)
    return f"{past // timedelta(minutes=1)} min ago" if minutes else f"{span(past.total_seconds())} ago"


def heading(estate: str, now: datetime, zone: ZoneInfo) -> str:
    """The estate, the local time, and the zone, once for the whole screen."""
    return f"{estate}, {now.astimezone(zone):%d %b %H:%M %Z}"
