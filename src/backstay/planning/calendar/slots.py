"""When a workload's next run is due: one run a slot, and a slot is what its RPO and its window ask for.

Without a window, a slot ends when the next run must start for the RPO to hold. With a window, a slot is a night: the
last one that does not break the RPO, from its opening on, and one run in it. One run a night is what an RPO is taken to
mean that is no shorter than the days from night to night. A shorter one is met by one more run: within the window while
that is enough, else outside, and the reasons say so. In a blackout nothing is due, whatever the RPO.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from backstay.domain.spans import span_text
from backstay.planning.objectives import margin

from .calendars import Calendar
from .windows import LOOK_AHEAD, Occurrence


@dataclass(frozen=True, slots=True)
class Claim:
    """What a workload has and is owed.

    `as_of` of its newest point is None if there is none, or if nobody knows how old it is; then `unknown_age` is set.
    `served` is the last night that had its run.
    """

    rpo: timedelta
    estimate: timedelta
    as_of: datetime | None = None
    served: date | None = None
    unknown_age: bool = False

    def latest(self, now: datetime) -> datetime:
        """The last moment at which a run may start for the RPO to hold."""
        return now if self.as_of is None else self.as_of + self.rpo - self.estimate - margin(self.rpo)


@dataclass(frozen=True, slots=True)
class Slot:
    """When a run is due, and why. `night` names the night of its window in which it runs, None outside or without."""

    at: datetime
    latest: datetime
    night: date | None
    reasons: tuple[str, ...]


def next_slot(claim: Claim, now: datetime, free: Calendar, window: Calendar | None = None) -> Slot | None:
    """The next slot, not before `now`; None if nothing is due in a long time.

    Shape: `free` knows the blackouts alone; `window` the window and the blackouts.
    """
    latest = claim.latest(now)
    if latest > now + LOOK_AHEAD:
        return None
    if window is None:
        at = _in_time(claim, now, latest, free)
        return Slot(at, latest, None, tuple(_why(claim, now, free, at))) if at else None
    return _bound(claim, now, latest, free, window)


def _bound(claim: Claim, now: datetime, latest: datetime, free: Calendar, window: Calendar) -> Slot | None:
    night = _night(claim, now, latest, window)
    begin = _begin(claim, now, latest, night) if night else None
    if (begin is None or latest < begin) and _is_short(claim.rpo, window, night):
        sooner = _sooner(claim, now, latest, free, window, begin)
        if sooner is not None:
            return sooner
    if night is None or begin is None:
        return None
    return Slot(begin, latest, night.day, (*_why(claim, now, free, begin), f"in its window {window.name}"))


def _night(claim: Claim, now: datetime, latest: datetime, window: Calendar) -> Occurrence | None:
    """The last night that opens before a run must start, but none that is over; the next if that had its run."""
    night, last = window.coming(now), window.begun_by(max(now, latest))
    if night and last and last.opens_at > night.opens_at:
        night = last
    # A night that had its run gets another only if the clock was put back so far that the RPO asks for it.
    while night and claim.served and night.day <= claim.served and latest >= night.closes_at:
        night = window.following(night)
    return night


def _begin(claim: Claim, now: datetime, latest: datetime, night: Occurrence) -> datetime:
    """The first moment at which a run may start that night; in one that had its run, when the RPO asks for another."""
    again = claim.served is not None and night.day <= claim.served
    since = max(now, latest) if again else now
    return next(max(since, begin) for begin, end in night.intervals if since < end)


def _is_short(rpo: timedelta, window: Calendar, night: Occurrence | None) -> bool:
    """Whether one run a night is not enough; counted in days, so that a night of 25 hours asks for nothing more."""
    before = window.before(night) if night else None
    return night is None or before is None or rpo < night.day - before.day


def _sooner(
    claim: Claim, now: datetime, latest: datetime, free: Calendar, window: Calendar, begin: datetime | None
) -> Slot | None:
    """A run before the next night begins: in the window if that is enough, else outside; None if blackouts forbid."""
    wanted = max(now, latest)
    if window.is_open(wanted):
        return Slot(
            wanted, latest, window.night_of(wanted), (*_why(claim, now, free, wanted), f"in its window {window.name}")
        )
    early = _before_close(claim, now, window, wanted)
    if early and begin and early + claim.rpo - claim.estimate - margin(claim.rpo) >= begin:
        return Slot(early, latest, window.night_of(early), (f"once more before its window {window.name} closes",))
    at = _in_time(claim, now, latest, free)
    if at is None or (begin and at >= begin):
        return None
    outside = f"outside its window {window.name}: an RPO of {span_text(claim.rpo)} does not wait for it"
    return Slot(at, latest, None, (*_why(claim, now, free, at), outside))


def _in_time(claim: Claim, now: datetime, latest: datetime, free: Calendar) -> datetime | None:
    """The last moment that keeps the RPO, or ends before the blackout that holds it; else the first after that."""
    wanted = max(now, latest)
    if free.is_open(wanted):
        return wanted
    return _before_close(claim, now, free, wanted) or free.next_open(wanted)


def _before_close(claim: Claim, now: datetime, calendar: Calendar, wanted: datetime) -> datetime | None:
    """A start that lets a run end before the last close before `wanted`; None if it is past, or had its run."""
    last = calendar.last_closed(wanted)
    if last is None or now >= last[1]:
        return None
    early = max(last[0], last[1] - claim.estimate)
    had_its_run = claim.as_of is not None and claim.as_of >= early
    return None if had_its_run else max(early, now)


def _why(claim: Claim, now: datetime, free: Calendar, at: datetime) -> Iterator[str]:
    if claim.unknown_age:
        yield "its newest restore point is dated in the future: how old it is, nobody knows"
    elif claim.as_of is None:
        yield "no restore point yet"
    elif now > claim.as_of + claim.rpo:
        yield "RPO is broken"
    else:
        yield "must start by then to keep its RPO"
    if not free.is_open(max(now, claim.latest(now))):
        yield "before a blackout" if at < claim.latest(now) else "after a blackout"
