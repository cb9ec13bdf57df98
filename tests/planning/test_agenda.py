"""The scheduler hands each workload out once a slot, whatever clocks, machines and programs do."""

from __future__ import annotations

import random
import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from backstay.config.values import moment as local
from backstay.domain.errors import InvariantBroken
from backstay.domain.estate import Blackout, Window
from backstay.planning.calendar.agenda import Agenda, Entry
from planning.pretending import DAY, HOUR, MINUTE, START, Machine, Ran, calendars, machine

TEN = 10 * MINUTE


def plain(rpo: timedelta = DAY, **more: object) -> Entry:
    return Entry("crm", rpo, TEN, **more)  # type: ignore[arg-type]  # a table of settings has no one type


def nightly(rpo: timedelta = DAY, **more: object) -> Entry:
    return plain(rpo, window="night", **more)


def apart(runs: list[Ran]) -> list[timedelta]:
    return [after.true - before.true for before, after in pairwise(runs)]


def test_a_workload_without_a_point_is_due_at_once_and_then_once_a_slot() -> None:
    subject = machine(plain())
    subject.work(10 * DAY)
    runs = subject.runs_of("crm")
    assert runs[0].true <= MINUTE
    assert runs[0].due.reasons == ("no restore point yet",)
    # A day, less ten minutes that it may take, less the hour that is kept in hand.
    assert all(22 * HOUR + 50 * MINUTE <= gap <= 22 * HOUR + 52 * MINUTE for gap in apart(runs))
    assert {run.due.reasons for run in runs[1:]} == {("must start by then to keep its RPO",)}


def test_a_workload_with_a_window_runs_once_a_night_from_its_opening() -> None:
    subject = machine(nightly())
    subject.work(30 * DAY)
    assert subject.nights_of("crm") == [date(2026, 1, 1) + place * DAY for place in range(30)]
    assert all(run.wall.strftime("%H:%M") in ("21:00", "21:01") for run in subject.ran)
    assert subject.ran[3].due.reasons == ("must start by then to keep its RPO", "in its window night")


def test_a_weekly_rpo_waits_for_the_last_night_that_keeps_it() -> None:
    subject = machine(nightly(7 * DAY, as_of=START))
    subject.work(30 * DAY)
    assert subject.nights_of("crm") == [date(2026, 1, day) for day in (7, 13, 19, 25)]


def test_an_rpo_shorter_than_the_windows_absence_is_met_outside_it_and_says_so() -> None:
    subject = machine(nightly(17 * HOUR, as_of=START - HOUR))
    subject.work(5 * DAY)
    outside = [run for run in subject.ran if run.due.night is None]
    assert len(outside) == 4
    assert {run.due.reasons[-1] for run in outside} == {"outside its window night: an RPO of 17h does not wait for it"}
    assert max(apart(subject.ran)) <= 17 * HOUR - TEN


def test_a_second_run_in_the_night_is_taken_before_one_outside() -> None:
    subject = machine(nightly(18 * HOUR, as_of=START))
    subject.work(5 * DAY)
    # 22:00 and 05:50 in Vienna.
    assert [f"{run.wall:%H:%M}" for run in subject.ran[:4]] == ["21:00", "04:50", "21:00", "04:50"]
    assert all(run.due.night for run in subject.ran)
    assert subject.ran[1].due.reasons == ("once more before its window night closes",)
    assert max(apart(subject.ran)) <= 18 * HOUR - TEN


def test_a_run_that_failed_is_tried_again_in_its_night_after_a_pause() -> None:
    subject = machine(nightly(), fails=lambda workload, count: count <= 3)
    subject.work(2 * DAY)
    assert [f"{run.wall:%d %H:%M}" for run in subject.ran] == [
        "01 21:00",
        "01 22:04",
        "01 23:08",
        "02 00:12",
        "02 21:00",
    ]


def test_a_run_that_always_fails_is_never_tried_outside_its_window() -> None:
    subject = machine(nightly(), fails=lambda workload, count: True)
    subject.work(4 * DAY)
    assert len(subject.ran) >= 4 * 7
    assert all(subject.calendars.windows["night"].is_open(run.wall) for run in subject.ran)


def test_nothing_is_handed_out_while_its_run_is_under_way() -> None:
    subject = machine(plain(HOUR), lasts=5 * HOUR)
    subject.work(20 * HOUR)
    assert all(gap >= 5 * HOUR for gap in apart(subject.ran))


def test_a_run_that_was_under_way_when_the_program_began_is_waited_for() -> None:
    agenda = Agenda([plain(running=True)], calendars(), START, 0.0)
    assert agenda.tick(START + DAY, 86400.0) == ()
    assert agenda.next_at() is None
    agenda.ended("crm", START, START + DAY, 86400.0)
    assert [due.workload for due in agenda.tick(START + DAY, 86400.0)] == ["crm"]


def test_a_run_that_was_not_begun_cannot_end() -> None:
    agenda = Agenda([plain(as_of=START)], calendars(), START, 0.0)
    with pytest.raises(InvariantBroken, match="was not begun"):
        agenda.ended("crm", START, START, 0.0)


# Gaps and clocks


@pytest.mark.parametrize("gap", [3 * DAY, 40 * DAY, 800 * DAY])
def test_after_a_sleep_each_workload_is_caught_up_once(gap: timedelta) -> None:
    subject = machine(*(Entry(f"w{place}", HOUR, MINUTE) for place in range(50)))
    subject.work(DAY)
    before = len(subject.ran)
    subject.sleep(gap)
    subject.work(30 * MINUTE)
    caught_up = subject.ran[before:]
    assert sorted(run.workload for run in caught_up) == sorted(f"w{place}" for place in range(50))
    assert {run.due.reasons for run in caught_up} == {("RPO is broken",)}


@pytest.mark.parametrize("forward", [3 * HOUR, 2 * DAY, 1800 * DAY])
def test_a_clock_that_is_put_forward_and_back_again_costs_one_run_and_blocks_nothing(forward: timedelta) -> None:
    subject = machine(plain())
    subject.work(5 * DAY + HOUR)
    before = len(subject.ran)
    subject.error += forward
    subject.work(2 * HOUR)
    caught_up = len(subject.ran) - before
    assert caught_up == (1 if forward > DAY else 0)
    subject.error -= forward
    subject.work(5 * DAY)
    gaps = apart(subject.ran[before:])
    assert all(19 * HOUR <= gap <= 23 * HOUR for gap in gaps), gaps
    assert len(subject.ran) - before - caught_up == 5


@pytest.mark.parametrize("back", [20 * MINUTE, HOUR, 23 * HOUR, DAY, 25 * HOUR, 9 * DAY, 4000 * DAY])
@pytest.mark.parametrize("after", [10 * MINUTE, 90 * MINUTE, 9 * HOUR])
@pytest.mark.parametrize("make", [plain, nightly])
def test_a_clock_that_is_put_back_doubles_nothing_and_blocks_nothing(
    back: timedelta, after: timedelta, make: object
) -> None:
    subject = machine(plain() if make is plain else nightly())
    subject.work(5 * DAY + 9 * HOUR + after)
    subject.error -= back
    subject.work(6 * DAY)
    gaps = apart(subject.ran)
    assert min(gaps) >= 14 * HOUR, "never two runs for one slot"
    # The night that the clock shows next may be almost two days away in truth; no clock can tell.
    assert max(gaps) <= (25 * HOUR if make is plain else 48 * HOUR)


def test_a_clock_that_is_put_back_over_an_opening_does_not_open_the_same_night_twice() -> None:
    subject = machine(nightly())
    subject.work(9 * HOUR + 30 * MINUTE)
    assert subject.nights_of("crm") == [date(2026, 1, 1)]
    subject.error -= HOUR
    subject.work(2 * DAY)
    assert subject.nights_of("crm") == [date(2026, 1, 1), date(2026, 1, 2)]


def test_time_that_comes_twice_in_autumn_is_one_night() -> None:
    subject = machine(nightly(), its=calendars(Window("night", "02:00", "03:00")))
    subject.work(330 * DAY)
    nights = subject.nights_of("crm")
    assert len(set(nights)) == len(nights)
    assert date(2026, 10, 25) in nights
    # In spring that hour is left out: what the RPO asks for meanwhile runs outside.
    assert date(2026, 3, 29) not in nights
    outside = [run.wall.date() for run in subject.ran if run.due.night is None]
    assert set(outside) <= {date(2026, 1, 1), date(2026, 3, 28), date(2026, 3, 29)}
    assert len(outside) <= 3


def test_the_leap_day_has_its_night() -> None:
    subject = machine(nightly(as_of=datetime(2028, 2, 27, 21, 5, tzinfo=UTC)))
    subject.true = datetime(2028, 2, 28, 12, tzinfo=UTC) - START
    subject.start()
    subject.work(3 * DAY)
    assert subject.nights_of("crm") == [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]


def test_a_point_from_the_future_blocks_nothing_and_is_a_finding() -> None:
    subject = machine(plain(as_of=START + 900 * DAY))
    (finding,) = subject.agenda.findings
    assert (finding.code, finding.severity, finding.subject) == ("future-point", "warning", "crm")
    subject.work(3 * DAY)
    assert "dated in the future" in subject.ran[0].due.reasons[0]
    assert subject.ran[0].true <= MINUTE
    assert all(22 * HOUR < gap < DAY for gap in apart(subject.ran))
    assert subject.agenda.findings == ()


def test_clocks_of_two_machines_may_differ_by_seconds() -> None:
    assert Agenda([plain(as_of=START + 20 * MINUTE / 60)], calendars(), START, 0.0).findings == ()


# Blackouts

XMAS = Blackout("xmas", begin=local("2026-01-05 18:00"), end=local("2026-01-08 06:00"))


@pytest.mark.parametrize("make", [plain, nightly])
@pytest.mark.parametrize("rpo", [30 * MINUTE, 6 * HOUR, DAY])
def test_nothing_starts_in_a_blackout_and_the_last_run_before_it_is_as_late_as_it_may_be(
    make: object, rpo: timedelta
) -> None:
    its = calendars(blackouts=(XMAS,))
    subject = machine(plain(rpo) if make is plain else nightly(rpo), its=its)
    subject.work(12 * DAY)
    begin, end = (at - START for at in (datetime(2026, 1, 5, 17, tzinfo=UTC), datetime(2026, 1, 8, 5, tzinfo=UTC)))
    assert not [run for run in subject.ran if begin <= run.true < end]
    (last,) = [run for run in subject.ran if begin - TEN <= run.true < begin]
    assert rpo < 6 * HOUR or last.due.reasons[1] == "before a blackout"
    assert len([run for run in subject.ran if end <= run.true < end + 2 * MINUTE]) == 1


# Ten years


def ten_years(seed: int) -> tuple[Machine, list[tuple[timedelta, timedelta]]]:
    """A machine with troubles of every sort, and from when to when each of them may be felt, in true time."""
    dice = random.Random(seed)
    its = calendars(zone=dice.choice(["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]))
    entries = [
        Entry("plain", 2 * DAY, TEN),
        Entry("weekly", 7 * DAY, TEN, "night"),
        Entry("nightly", DAY, TEN, "night"),
    ]
    subject = machine(*entries, its=its, look=MINUTE)
    troubles = []
    while subject.true < 3653 * DAY:
        subject.work(dice.uniform(5, 60) * DAY)
        begin = subject.true
        trouble(subject, dice)
        troubles.append((begin, subject.true + 2 * DAY))
    return subject, troubles


def trouble(subject: Machine, dice: random.Random) -> None:
    match dice.randrange(5):
        case 0:
            subject.sleep(dice.uniform(0.01, 20) * DAY)
        case 1:
            subject.die()
        case 2:
            subject.error -= dice.choice([HOUR, 5 * HOUR, DAY, 400 * DAY]) * dice.random()
        case 3:
            wrong = dice.choice([HOUR, 5 * HOUR, DAY, 400 * DAY]) * dice.random()
            subject.error += wrong
            subject.work(dice.uniform(0.1, 30) * HOUR)
            subject.error -= wrong
        case 4:
            subject.error = timedelta(0)


@pytest.mark.parametrize("seed", range(4))
def test_in_ten_years_every_slot_has_one_run_and_every_gap_one_catch_up(seed: int) -> None:
    subject, troubles = ten_years(seed)

    def is_quiet(since: timedelta, until: timedelta) -> bool:
        return not any(begin <= until and since <= end for begin, end in troubles)

    least = {"plain": 46 * HOUR, "weekly": 5 * DAY, "nightly": 22 * HOUR}
    most = {"plain": 2 * DAY, "weekly": 7 * DAY, "nightly": 26 * HOUR}
    for name in least:
        runs = subject.runs_of(name)
        for before, after in pairwise(runs):
            if is_quiet(before.true, after.true):
                assert least[name] <= after.true - before.true <= most[name], (before, after)
        for begin, end in troubles:
            inside = [run for run in runs if begin <= run.true <= end]
            assert len(inside) <= 1 + (end - begin) // least[name] + 2, (begin, end, inside)
        assert runs[-1].true >= 3653 * DAY - 9 * DAY - 22 * DAY, "nothing blocks it for good"
    assert all(subject.calendars.windows["night"].is_open(run.wall) for run in subject.ran if run.due.night)
    assert all(run.due.night for run in subject.ran if run.workload != "plain")


# Size


def test_a_tick_touches_only_what_is_due_and_hands_out_the_most_urgent_first() -> None:
    dice = random.Random(7)
    names = [f"w{place:06}" for place in range(100_000)]
    entries = [
        Entry(name, DAY, TEN, dice.choice([None, "night"]), START - dice.uniform(0, 22) * HOUR) for name in names
    ]
    agenda = Agenda(entries, calendars(), START, 0.0)
    seen: set[str] = set()
    longest = 0.0
    for minute in range(0, 12 * 60, 5):
        due = True
        while due:
            began = time.process_time()
            found = agenda.tick(START + minute * MINUTE, minute * 60.0)
            longest = max(longest, time.process_time() - began)
            assert [one.latest for one in found if one.night] == sorted(one.latest for one in found if one.night)
            assert not seen & {one.workload for one in found}
            seen |= {one.workload for one in found}
            due = bool(found)
    assert len(seen) > 70_000
    assert longest < 0.1
