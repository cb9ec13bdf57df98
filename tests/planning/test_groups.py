"""How far apart the members of a group are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backstay.planning.groups import spreads
from planning.estates import HOUR, Owed, stands

MINUTE = timedelta(minutes=1)


def test_the_spread_of_a_group_is_from_its_earliest_to_its_latest_point() -> None:
    members = [Owed("db", age=HOUR, group="crm"), Owed("files", age=51 * MINUTE, group="crm")]
    between = Owed("mail", age=55 * MINUTE, group="crm")
    others = [
        Owed("alone", age=24 * HOUR),
        Owed("shop-db", age=HOUR, group="shop"),
        Owed("shop", age=HOUR, group="shop"),
    ]
    found = spreads(stands([*members, between, *others]))
    assert found == {"crm": 9 * MINUTE, "shop": timedelta(0)}


@pytest.mark.parametrize(
    "members",
    [
        [Owed("db", age=HOUR, group="crm")],
        [Owed("db", age=HOUR, group="crm"), Owed("files", age=HOUR, group="crm"), Owed("new", age=None, group="crm")],
    ],
    ids=["of one", "not all were taken"],
)
def test_a_group_that_cannot_return_together_has_no_spread(members: list[Owed]) -> None:
    assert spreads(stands(members)) == {}
