from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.small_estate import SmallEstate, small_estate


@pytest.fixture
def house(tmp_path: Path) -> Iterator[SmallEstate]:
    with small_estate(tmp_path) as small:
        yield small
