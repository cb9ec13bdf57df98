"""Fixtures: the kind with the real host behind it, and a real server per module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kinds.postgresql.bench import Bench, bench
from postgres import PrivatePostgres, private_postgres


@pytest.fixture(scope="session", autouse=True)
def _pytests_own_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Made before a bench moves the folder for temporary files, so that it is not taken for ours."""
    tmp_path_factory.getbasetemp()


@pytest.fixture
def house() -> Iterator[Bench]:
    with bench() as made:
        yield made


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgres]:
    with private_postgres() as running:
        yield running
