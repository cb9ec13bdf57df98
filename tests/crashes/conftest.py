from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crashes.slow_estate import SlowEstate


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[SlowEstate]:
    """Serial: one run at a time."""
    estate = SlowEstate.at(tmp_path)
    yield estate
    estate.close()


@pytest.fixture
def parallel(tmp_path: Path) -> Iterator[SlowEstate]:
    estate = SlowEstate.at(tmp_path, more="workflow: parallel\n")
    yield estate
    estate.close()
