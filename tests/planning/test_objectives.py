from __future__ import annotations

import re
from contextlib import nullcontext
from datetime import date, datetime, timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.config.values import span
from backstay.domain.errors import InvariantBroken, PlanImpossible
from backstay.domain.estate import Exemption, FilesSource, Window, Workload
from backstay.domain.runs import RunResult
from backstay.planning.calendar.windows import open_for
from backstay.planning.objectives import (
    Estimate,
    Standing,
    estimate,
    is_due,
    margin,
    nearest_rpo,
    percentile95,
    require_possible,
    require_room,
    standing,
)
from backstay.ports.catalog import Facts, Measured
from planning.estates import HOUR, NOW, Owed, facts, stands, workload

CACHE = Workload("cache", "files", FilesSource(("/c",)), None, exempt=Exemption("rebuilt at deploy", date(2027, 3, 31)))
DAILY = workload(Owed("crm", rpo=24 * HOUR))
MINUTE = timedelta(minutes=1)

spans = st.timedeltas(timedelta(milliseconds=1), timedelta(days=400))


# An RPO of a day, backups of ten minutes and an hour in hand: one must start 22 h 50 min after the last `as_of`.
@pytest.mark.parametrize(
    ("age", "result", "state"),
    [
        (None, None, "never"),
        (None, "failed", "never"),
        (25 * HOUR, "done", "late"),
        (25 * HOUR, "failed", "late"),
        (23 * HOUR, "failed", "failing"),
        (2 * HOUR, "failed", "failing"),
        (2 * HOUR, "incomplete", "failing"),
        (23 * HOUR, "done", "due"),
        (24 * HOUR, "done", "due"),
        (22 * HOUR + 50 * MINUTE, "done", "due"),
        (22 * HOUR + 49 * MINUTE, "done", "ok"),
        (2 * HOUR, "cancelled", "ok"),
        (2 * HOUR, "skipped", "ok"),
        (2 * HOUR, None, "ok"),
        (-2 * HOUR, "done", "never"),  # nobody knows how old it is
    ],
)
def test_of_several_states_the_first_that_fits_is_given(
    age: timedelta | None, result: RunResult | None, state: str
) -> None:
    stand = standing(DAILY, facts("crm", age=age, result=result), [Measured(600.0)], NOW)
    assert stand.state == state


@pytest.mark.parametrize("known", [Facts(), facts("cache", age=400 * HOUR, result="failed")])
def test_an_exempt_workload_is_exempt_whatever_its_history_and_never_due(known: Facts) -> None:
    stand = standing(CACHE, known, (), NOW)
    assert (stand.state, stand.latest_start, stand.achieved_rpo) == ("exempt", None, None)
    assert not is_due(stand, NOW)


def test_the_latest_start_leaves_time_for_the_backup_and_a_margin() -> None:
    stand = standing(DAILY, facts("crm", age=3 * HOUR), [Measured(600.0)], NOW)
    assert stand.latest_start == NOW - 3 * HOUR + 24 * HOUR - 10 * MINUTE - HOUR
    assert stand.achieved_rpo == 3 * HOUR


def test_a_workload_without_a_point_is_due_at_once_and_has_achieved_nothing() -> None:
    stand = standing(DAILY, Facts(), (), NOW)
    assert (stand.as_of, stand.achieved_rpo, stand.latest_start) == (None, None, NOW)
    assert is_due(stand, NOW)


def test_a_point_that_a_clock_dated_ahead_is_no_sign_that_all_is_well() -> None:
    (stand,) = stands([Owed("crm", age=-24 * HOUR)])
    assert (stand.state, stand.achieved_rpo, stand.latest_start) == ("never", None, NOW)
    (stand,) = stands([Owed("crm", age=-MINUTE / 2)])
    assert stand.state == "ok"


def test_a_time_without_a_zone_is_our_bug() -> None:
    with pytest.raises(InvariantBroken):
        standing(DAILY, Facts(), (), datetime(2026, 3, 28))  # noqa: DTZ001 - this is the mistake


@pytest.mark.parametrize(("state_age", "due"), [(HOUR, False), (23 * HOUR, True), (30 * HOUR, True)])
def test_a_backup_is_due_from_its_latest_start_on(state_age: timedelta, due: bool) -> None:
    assert is_due(standing(DAILY, facts("crm", age=state_age), [Measured(600.0)], NOW), NOW) is due


def test_a_failed_backup_is_due_again_at_once() -> None:
    assert is_due(standing(DAILY, facts("crm", age=HOUR, result="failed"), [Measured(600.0)], NOW), NOW)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([7.0], 7.0),
        ([3.0, 1.0, 2.0], 3.0),
        ([float(x) for x in range(1, 20)], 19.0),
        ([float(x) for x in range(1, 21)], 19.0),
        ([float(x) for x in range(100, 0, -1)], 95.0),
    ],
)
def test_the_percentile_is_the_nearest_rank(seconds: list[float], expected: float) -> None:
    assert percentile95(seconds) == expected


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_the_percentile_was_measured_and_at_most_one_in_twenty_took_longer(seconds: list[float]) -> None:
    found = percentile95(seconds)
    assert found in seconds
    assert sum(1 for x in seconds if x > found) * 20 <= len(seconds)
    assert sum(1 for x in seconds if x >= found) * 20 > len(seconds)


@pytest.mark.parametrize(
    ("rpo", "assumed"), [(24 * HOUR, 5 * MINUTE), (20 * MINUTE, 5 * MINUTE), (8 * MINUTE, 2 * MINUTE)]
)
def test_an_unmeasured_backup_is_assumed_to_take_five_minutes_or_a_quarter_of_its_rpo(
    rpo: timedelta, assumed: timedelta
) -> None:
    assert estimate(rpo, ()) == Estimate(assumed, False, 0.0, assumed.total_seconds(), inf)
    assert estimate(rpo, [Measured(90.0)]) == Estimate(timedelta(seconds=90), True, 0.0, 90.0, inf)


@pytest.mark.parametrize(
    ("rpo", "kept"),
    [
        (MINUTE, timedelta(seconds=10)),
        (100 * timedelta(seconds=1), timedelta(seconds=10)),
        (10 * MINUTE, MINUTE),
        (10 * HOUR, HOUR),
        (100 * HOUR, HOUR),
    ],
)
def test_a_tenth_of_the_rpo_is_kept_in_hand(rpo: timedelta, kept: timedelta) -> None:
    assert margin(rpo) == kept


def _stand(rpo: timedelta, backup: timedelta) -> Standing:
    return stands([Owed("crm", rpo=rpo, seconds=(backup.total_seconds(),))])[0]


def test_an_rpo_that_two_backups_do_not_fit_in_is_impossible_and_says_what_would_be_possible() -> None:
    with pytest.raises(PlanImpossible) as raised:
        require_possible(_stand(15 * MINUTE, 20 * MINUTE))
    assert raised.value.message == (
        "crm: an RPO of 15m cannot be kept, a backup takes 20 min, a point must last until the next one is there,"
        " and 1 min 30 s are kept in hand"
    )
    assert raised.value.hint == "Ask for an RPO of 45m or more, or ship logs between backups."
    assert raised.value.subject == "crm"


@pytest.mark.parametrize(("rpo", "backup"), [(MINUTE, timedelta(seconds=25)), (101 * HOUR, 50 * HOUR)])
def test_backups_that_leave_their_margin_and_no_more_are_impossible(rpo: timedelta, backup: timedelta) -> None:
    with pytest.raises(PlanImpossible):
        require_possible(_stand(rpo, backup))


@pytest.mark.parametrize(
    ("rpo", "backup"), [(15 * MINUTE, 6 * MINUTE), (24 * HOUR, 11 * HOUR), (MINUTE, timedelta(seconds=24))]
)
def test_backups_that_leave_more_than_their_margin_are_possible(rpo: timedelta, backup: timedelta) -> None:
    require_possible(_stand(rpo, backup))


@pytest.mark.parametrize(
    ("window", "fits"),
    [
        (Window("night", "22:00", "23:00", "stop"), False),
        (Window("night", "22:00", "23:00", "finish"), True),
        (Window("night", "23:30", "01:30", "stop"), True),
        (Window("night", "06:00", "06:00", "stop"), True),
    ],
)
def test_a_window_that_stops_backups_must_be_open_for_as_long_as_they_take(window: Window, fits: bool) -> None:
    with nullcontext() if fits else pytest.raises(PlanImpossible, match=r"open for 1 h and stops .* takes 2 h"):
        require_room(_stand(48 * HOUR, 2 * HOUR), window, open_for(window))


def test_nothing_is_called_impossible_before_it_was_measured() -> None:
    require_possible(stands([Owed("crm", rpo=timedelta(seconds=8), seconds=())])[0])


@given(rpo=spans, backup=spans)
def test_a_counter_offer_is_itself_possible_and_asks_for_more(rpo: timedelta, backup: timedelta) -> None:
    try:
        require_possible(_stand(rpo, backup))
    except PlanImpossible as impossible:
        offered = re.search(r"an RPO of (\w+) or more", impossible.hint or "")
        assert offered
        written = span(offered[1])  # read as the estate file will read it
        assert written > rpo
        require_possible(_stand(written, backup))


@given(spans)
def test_a_counter_offer_is_not_generous_without_need(backup: timedelta) -> None:
    assert nearest_rpo(backup) <= backup * 9 / 4 * 1.1 + 2 * MINUTE
