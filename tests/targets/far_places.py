"""Targets of every sort, each on a real server of its own that one test session shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import pytest

from backstay.domain.estate import Target
from backstay.domain.secrets import SecretRef
from backstay.host.clock import SystemClock
from backstay.host.places import ScratchPlaces
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.host.state import open_state
from backstay.ports.progress import Silent
from backstay.ports.store import Store
from backstay.targets.gateways import RcloneGateways
from backstay.targets.rclone import Rclone
from backstay.targets.remotes import remote_of
from backstay.targets.stores import store_for
from targets.far_servers import S3, Sshd, moto_s3, rclone_s3, sshd

FAR = ("sftp", "s3")


@dataclass(frozen=True)
class Place:
    """An empty target; `keep` puts bytes into it past every door."""

    target: Target
    rclone: Rclone
    gateways: RcloneGateways

    def store(self, name: str = "crm", *, first_use: bool = True) -> Store:
        return store_for(self.target, "restic", name, first_use=first_use, rclone=self.rclone)

    def keep(self, path: str, content: bytes) -> None:
        command = self.rclone.command(self.target, "rcat", remote_of(self.target).spec(path))
        assert self.rclone.runner.run(command, Silent(), feed=[content]).status == 0

    def fetch(self, path: str) -> bytes:
        command = self.rclone.command(self.target, "cat", remote_of(self.target).spec(path))
        with self.rclone.runner.stream(command, Silent()) as chunks:
            return b"".join(chunks)


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with rclone_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def moto_server() -> Iterator[S3]:
    with moto_s3() as server:
        yield server


@pytest.fixture
def rclone(tmp_path: Path) -> Rclone:
    secrets = HostSecrets()
    clock = SystemClock()
    return Rclone(Processes(secrets, clock, open_state(str(tmp_path / "state"))), secrets, clock)


@pytest.fixture
def gateways(rclone: Rclone, tmp_path: Path) -> RcloneGateways:
    return RcloneGateways(rclone, ScratchPlaces(open_state(str(tmp_path / "state"))))


@pytest.fixture
def place(
    request: pytest.FixtureRequest,
    rclone: Rclone,
    gateways: RcloneGateways,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    """Of the sort that the test names as its parameter; a folder if it names none.

    "locked" is a bucket with versions, each of which is kept for a day.
    """
    sort = getattr(request, "param", "path")
    folder = tmp_path / "copies"
    if sort == "sftp":
        folder.mkdir()
        server = request.getfixturevalue("ssh_server")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        server.trust(tmp_path / "home")
        target = Target("far", f"sftp://{server.user}@127.0.0.1:{server.port}{folder}")
    elif sort == "s3":
        target = bucket(request.getfixturevalue("s3_server"), tmp_path)
    elif sort == "locked":
        target = replace(bucket(request.getfixturevalue("moto_server"), tmp_path), lock=timedelta(days=1))
    else:
        folder.mkdir()
        target = Target("vault", str(folder))
    return Place(target, rclone, gateways)


def bucket(server: S3, folder: Path) -> Target:
    """A prefix of its own in the server's bucket."""
    address = server.url.replace("/copies?", f"/{token_hex(4)}?")
    return Target("far", address, credentials=SecretRef("file", str(server.credentials(folder))))
