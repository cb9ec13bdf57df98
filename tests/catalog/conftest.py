from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from backstay.catalog.catalog import open_catalog
from backstay.ports.catalog import Catalog
from catalog.still_clock import StillClock
from postgres import PrivatePostgres, private_postgres

NUMBERS = count()
TESTS = Path(__file__).parents[1]

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="session")
def server() -> Iterator[PrivatePostgres]:
    # A locale whose order of names is not that of their bytes: the catalog's order must not follow it.
    with private_postgres(initdb=["--locale-provider=icu", "--icu-locale=en"]) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> str:
    """The address of an empty catalog, on each of the databases."""
    fixture: Callable[[], str] = request.getfixturevalue(f"new_{request.param}")
    return fixture()


@pytest.fixture
def new_sqlite(tmp_path: Path) -> Callable[[], str]:
    return lambda: f"sqlite:///{tmp_path}/catalog.db"


@pytest.fixture
def new_postgresql(server: PrivatePostgres) -> Iterator[Callable[[], str]]:
    name = f"catalog{next(NUMBERS)}"
    server.execute(f"CREATE DATABASE {name}")
    yield lambda: server.address_of(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def catalog(address: str) -> Iterator[Catalog]:
    catalog = open_catalog(address, StillClock())
    yield catalog
    catalog.close()


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python with these arguments and the tests on its path; what still runs at the end is killed."""
    children: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(TESTS)}
        argv = [sys.executable, "-W", "error", *map(str, arguments)]
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.wait()
        if child.stdout:
            child.stdout.close()


@pytest.fixture
def ordinary_folder() -> Iterator[Path]:
    """An empty folder of an account that is not root, for whom modes mean something."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="bscat") as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
        yield Path(folder)
        os.chmod(folder, 0o700)
