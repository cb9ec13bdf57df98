"""The screen: where words, tables and bars go, and how numbers are written for people."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Screen:
    """Results go to `out`, progress to `err`; colour only repeats what the words say."""

    out: Console
    err: Console
    quiet: bool

    def say(self, sentence: str) -> None:
        """A sentence for whoever waits; never part of a result."""
        self.err.print(sentence, markup=False, soft_wrap=True)


def screen(*, quiet: bool, no_color: bool) -> Screen:
    """Consoles that keep to NO_COLOR, to --no-color and to what the terminal can do."""
    color = True if no_color else None
    out = Console(no_color=color, highlight=False, soft_wrap=not sys.stdout.isatty())
    err = Console(no_color=color, highlight=False, stderr=True)
    return Screen(out, err, quiet)


def columns(*titles: str) -> Table:
    """A table without lines, whose cells wrap rather than hide."""
    table = Table(box=None, pad_edge=False, header_style="dim", show_header=any(titles))
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


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
    return f"{span(past.total_seconds())} ago"


def heading(estate: str, now: datetime, zone: ZoneInfo) -> str:
    """The estate, the local time, and the zone, once for the whole screen."""
    return f"{estate}, {now.astimezone(zone):%d %b %H:%M %Z}"
