from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from far.far_estates import FarEstate, far_estate


@pytest.fixture
def far(tmp_path: Path) -> Iterator[FarEstate]:
    """Two hosts behind a link of 23 Mbit/s, with little in them."""
    with far_estate(tmp_path, 2_875_000) as estate:
        estate.fill(estate.app1, 1)
        estate.fill(estate.app2, 1)
        yield estate
