"""How long a run goes on trying while its host or its target does not answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.domain.estate import Estate, FilesSource, Policy, Target, Workload
from backstay.domain.runs import Run
from backstay.planning.objectives import margin, standing
from backstay.planning.patience import ASKED, LAST_WORD, last_try
from backstay.planning.plan import plan_now
from backstay.ports.catalog import Facts

NOW = datetime(2026, 3, 1, 22, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

DUE = Run("r1", "crm", "restic", "vault", "full", NOW, "must start by then to keep its RPO; in its window night")
TYPED = replace(DUE, reason=f"{ASKED}; RPO is broken")


@pytest.mark.parametrize(
    ("run", "rpo", "answered", "patience"),
    [
        (TYPED, DAY, False, 5 * SECOND),
        (TYPED, DAY, True, MINUTE),
        (DUE, DAY, False, 30 * MINUTE),
        (DUE, DAY, True, 30 * MINUTE),
        (DUE, HOUR, False, 3 * MINUTE),
        (DUE, 5 * MINUTE, False, 15 * SECOND),
        (DUE, 5 * MINUTE, True, MINUTE),
    ],
)
def test_whoever_waits_is_told_soon_and_what_is_due_uses_half_of_what_is_kept_in_hand(
    run: Run, rpo: timedelta, answered: bool, patience: timedelta
) -> None:
    assert last_try(run, rpo, NOW, answered=answered) == NOW + patience


@pytest.mark.parametrize("closing", ["start_by", "stop_at"])
def test_no_try_begins_when_the_window_is_about_to_close(closing: str) -> None:
    closes = NOW + 10 * MINUTE
    held = replace(DUE, start_by=NOW + HOUR, stop_at=NOW + HOUR)
    assert last_try(replace(held, **{closing: closes}), DAY, NOW, answered=True) == closes - LAST_WORD  # type: ignore[arg-type]  # by name


@given(
    rpo=st.timedeltas(min_value=MINUTE, max_value=365 * DAY),
    closes=st.none() | st.timedeltas(min_value=timedelta(0), max_value=DAY),
    typed=st.booleans(),
    answered=st.booleans(),
)
def test_patience_ends_before_the_window_and_within_what_the_rpo_keeps_in_hand(
    rpo: timedelta, closes: timedelta | None, typed: bool, answered: bool
) -> None:
    run = replace(TYPED if typed else DUE, start_by=NOW + closes if closes is not None else None)
    until = last_try(run, rpo, NOW, answered=answered)
    assert until <= NOW + max(margin(rpo) / 2, MINUTE)
    assert closes is None or until < NOW + closes


def test_what_is_asked_for_by_name_is_known_by_its_reason_and_what_is_due_is_not() -> None:
    workload = Workload("crm", "files", FilesSource(("/srv",)), Policy("gold", DAY, copies=("vault",)))
    estate = Estate("acme", "UTC", {"vault": Target("vault", "/vault")}, {}, {"crm": workload})
    stand = standing(workload, Facts(), [], NOW)
    typed, due = (plan_now(estate, [stand], NOW, asked=asked).jobs for asked in ({"crm"}, None))
    assert [job.reasons[0] == ASKED for job in (*typed, *due)] == [True, False]
