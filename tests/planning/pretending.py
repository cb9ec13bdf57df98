"""A pretend machine for the scheduler: its wall clock is set, it sleeps and dies, and its runs take time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from zoneinfo import ZoneInfo

from backstay.domain.estate import Blackout, Estate, Window
from backstay.planning.calendar.agenda import Agenda, Calendars, Due, Entry

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
NIGHT = Window("night", "22:00", "06:00")


def calendars(*windows: Window, blackouts: Sequence[Blackout] = (), zone: str = "Europe/Vienna") -> Calendars:
    estate = Estate(
        "acme",
        zone,
        {},
        {},
        {},
        windows={window.name: window for window in windows or (NIGHT,)},
        blackouts={blackout.name: blackout for blackout in blackouts},
    )
    return Calendars(estate, ZoneInfo(zone))


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: when it was handed out by the wall clock and in true time, and what it was due for."""

    workload: str
    wall: datetime
    true: timedelta
    due: Due


@dataclass
class Machine:
    """`true` is the time that has really passed; `wall` shows it with the error that was set; sleep is not counted by
    `elapsed`, and the scheduler is told nothing."""

    calendars: Calendars
    records: dict[str, Entry]
    lasts: timedelta = 4 * MINUTE
    fails: Callable[[str, int], bool] = lambda workload, count: False
    look: timedelta = MINUTE
    true: timedelta = timedelta(0)
    error: timedelta = timedelta(0)
    slept: timedelta = timedelta(0)
    ran: list[Ran] = field(default_factory=list)
    under_way: list[tuple[timedelta, str, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start()

    @property
    def wall(self) -> datetime:
        return START + self.true + self.error

    @property
    def elapsed(self) -> float:
        return (self.true - self.slept).total_seconds()

    def start(self) -> None:
        """A scheduler that knows only the records."""
        self.agenda = Agenda(self.records.values(), self.calendars, self.wall, self.elapsed)

    def die(self) -> None:
        """The program dies with its runs; another begins with the records."""
        self.under_way.clear()
        self.start()

    def sleep(self, span: timedelta) -> None:
        self.true += span
        self.slept += span

    def work(self, span: timedelta) -> None:
        """So much time, in which the scheduler looks when it said it would, but not more often than it does."""
        until = self.true + span
        while self.true < until:
            wait = self.agenda.next_at()
            coming = self.true + max(timedelta(seconds=wait or 0.0), self.look) if wait is not None else until
            if self.under_way and self.under_way[0][0] <= min(coming, until):
                self._end(*heappop(self.under_way))
            else:
                self.true = min(coming, until)
                self.begin(self.agenda.tick(self.wall, self.elapsed))

    def begin(self, due: Sequence[Due]) -> None:
        for one in due:
            self.ran.append(Ran(one.workload, self.wall, self.true, one))
            heappush(self.under_way, (self.true + self.lasts, one.workload, self.wall))

    def _end(self, at: timedelta, workload: str, began: datetime) -> None:
        self.true = max(self.true, at)
        good = not self.fails(workload, len(self.ran))
        if good:
            self.records[workload] = replace(self.records[workload], as_of=began)
        self.agenda.ended(workload, began if good else None, self.wall, self.elapsed)

    def runs_of(self, workload: str) -> list[Ran]:
        return [run for run in self.ran if run.workload == workload]

    def nights_of(self, workload: str) -> list[date]:
        return [run.due.night for run in self.runs_of(workload) if run.due.night]


def machine(*entries: Entry, its: Calendars | None = None, **settings: object) -> Machine:
    made = Machine(its or calendars(), {entry.workload: entry for entry in entries})
    for name, value in settings.items():
        setattr(made, name, value)
    return made
