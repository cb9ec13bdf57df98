"""What a workload asks of a night."""

from __future__ import annotations

from datetime import timedelta
from math import inf

import pytest

from backstay.planning.night.model import ALWAYS, Demand, Resource
from backstay.planning.nights import demand_of, night_of
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


WAN = Resource("link:wan", "link", 0.0, steps=((100.0, 5.0), (200.0, 9.0), (300.0, 0.0), (400.0, 5.0)))
VAULT = Resource("target:vault", "target", 7.0, steps=((500.0, 0.0), (600.0, 7.0)))
WAY = {"link:wan": WAN, "target:vault": VAULT}


def test_a_job_of_unknown_size_begins_while_all_on_its_way_carries_something() -> None:
    (waits,) = night_of([Demand("a", 0.0, resources=tuple(WAY))], WAY).demands
    assert waits.open == ((100.0, 300.0), (400.0, 500.0), (600.0, inf))


def test_it_does_so_within_its_own_hours() -> None:
    (waits,) = night_of([Demand("a", 0.0, resources=tuple(WAY), open=((0.0, 150.0), (450.0, 550.0)))], WAY).demands
    assert waits.open == ((100.0, 150.0), (450.0, 500.0))


def test_what_moves_a_known_number_of_bytes_may_begin_any_time_and_so_may_what_never_has_a_way() -> None:
    shut = {"link:wan": Resource("link:wan", "link", 0.0)}
    known, unknown = Demand("a", 8.0, resources=tuple(WAY)), Demand("b", 0.0, resources=("link:wan",))
    assert night_of([known], WAY).demands[0].open == ALWAYS
    assert night_of([unknown], shut).demands[0].open == ALWAYS
