"""What a workload asks of a night."""

from __future__ import annotations

from datetime import timedelta
from math import inf

import pytest

from backstay.planning.nights import demand_of
from planning.estates import HOUR, NOW, Owed, an_estate, stands


@pytest.mark.parametrize(
    ("age", "deadline_s"),
    [
        (20 * HOUR, 3 * 3600.0),  # an RPO of a day, and an hour in hand
        (24 * HOUR, -3600.0),  # the hour in hand is used up, and the RPO still holds
        (25 * HOUR, inf),
        (None, inf),
    ],
)
def test_a_job_has_a_deadline_while_there_is_an_rpo_to_keep(age: timedelta | None, deadline_s: float) -> None:
    owed = [Owed("crm", age=age)]
    (stand,), estate = stands(owed), an_estate(owed)
    demand = demand_of("run", estate, stand, estate.target_of(stand.workload), NOW)
    assert demand.deadline_s == deadline_s
