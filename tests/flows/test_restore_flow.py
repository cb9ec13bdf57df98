"""What a restore by a person promises."""

from __future__ import annotations

import pytest

from backstay.domain.errors import ConfigError
from backstay.flows.restore import restore_point
from backstay.ports.progress import Silent
from flows.small_estate import SmallEstate
from flows.test_drill_flow import point_of


def test_a_pattern_that_matches_nothing_is_not_a_restore(house: SmallEstate) -> None:
    point, folder = point_of(house), house.root / "back"
    with pytest.raises(ConfigError, match=r"nothing in point .* matches /no/such"):
        restore_point(house.adapters(), point, str(folder), ("/no/such",), Silent())
    assert not list(folder.iterdir())
    restore_point(house.adapters(), point, str(folder), (f"{house.source}/one",), Silent())
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["one"]
