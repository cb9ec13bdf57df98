"""restic through doors: what it is told, and what becomes of it when the door or the target has an accident."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import pytest

from backstay.domain.errors import InvariantBroken, RepositoryDamaged, Unavailable
from backstay.domain.secrets import Secret, SecretRef
from backstay.engines.restic import ResticEngine, argv
from backstay.engines.restic.failures import failure
from backstay.ports.engine import BackupReport, BackupRequest, ForgetRequest, Paths, Repository, VerifyRequest
from backstay.ports.gateway import Access, Gateway
from backstay.ports.progress import Silent
from backstay.ports.runner import Finished
from targets.far_places import Place, gateways, moto_server, place, rclone, s3_server, ssh_server
from targets.far_servers import S3, Sshd

__all__ = ["gateways", "moto_server", "place", "rclone", "s3_server", "ssh_server"]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = sha256(b"half of a beginning").hexdigest()
SECRET = Secret("not for argument lists")


@pytest.fixture
def engine(place: Place) -> ResticEngine:
    return ResticEngine(place.rclone.runner)


@contextmanager
def door(
    place: Place, repository: Repository | None = None, access: Access = "full"
) -> Iterator[tuple[Gateway, Repository]]:
    """The repository `crm` through a door; with a key of its own if it is a new one."""
    opened = repository or Repository("restic", place.target.name, "crm", Secret(token_hex(16)), place.store())
    with place.gateways.open(place.target, "restic", "crm", access=access) as gateway:
        yield gateway, replace(opened, door=gateway.address())


def backup(engine: ResticEngine, repository: Repository, source: Path, run_id: str = "r1") -> BackupReport:
    request = BackupRequest(repository, run_id, "crm", "n0nce", Paths("/", (str(source),)), NOW)
    return engine.backup(request, Silent())


def noise(folder: Path, size: int) -> Path:
    """A source that cannot be squeezed."""
    folder.mkdir()
    (folder / "noise").write_bytes(os.urandom(size))
    return folder


def test_the_doors_address_goes_by_the_environment_and_nowhere_else(place: Place) -> None:
    address = Secret("http://job:hush@127.0.0.1:4711/")
    repository = Repository("restic", "far", "crm", SECRET, place.store(), door=address)
    request = BackupRequest(repository, "r1", "crm", "n0nce", Paths("/", ("/srv",)), NOW)
    for command in (argv.init(repository), argv.backup(request, None), argv.snapshots(repository)):
        assert command.env["RESTIC_REPOSITORY"] == Secret("rest:http://job:hush@127.0.0.1:4711/")
        assert command.env["RESTIC_PACK_SIZE"] == "4"
        assert "--repo" not in command.argv
        assert "hush" not in repr(command)


def test_a_place_elsewhere_without_a_door_is_our_mistake_and_no_folder_is_made(place: Place) -> None:
    far = replace(place, target=replace(place.target, url="s3://bucket/copies"))
    with pytest.raises(InvariantBroken, match="no gateway to it is open"):
        argv.snapshots(Repository("restic", "far", "crm", SECRET, far.store()))


def test_the_pace_of_a_backup_is_that_of_its_program(place: Place) -> None:
    repository = Repository("restic", "vault", "crm", SECRET, place.store())
    pace: Callable[[], float | None] = lambda: 1000.0  # noqa: E731 - compared by identity below
    request = BackupRequest(repository, "r1", "crm", "n0nce", Paths("/", ("/srv",)), NOW, pace=pace)
    assert argv.backup(request, None).pace is pace
    assert argv.snapshots(repository).pace is None


@pytest.mark.parametrize(
    "said",
    [
        'Fatal: unable to open config file: Head "http://127.0.0.1:4/config": dial tcp 127.0.0.1:4: connect: '
        "connection refused",
        "Fatal: unable to save snapshot: server response unexpected: 500 Internal Server Error (500)",
        'Load(<index/aaaa>, 0, 0) failed: Get "http://127.0.0.1:4/index/aaaa": EOF',
    ],
)
def test_a_door_that_leads_nowhere_is_unavailable_and_no_damage(place: Place, said: str) -> None:
    repository = Repository("restic", "far", "crm", SECRET, place.store(), door=SECRET)
    error = failure(Finished(1, "", said, 1.0), argv.snapshots(repository), repository)
    assert isinstance(error, Unavailable)
    assert error.message == "the repository far/crm was not reached"


def test_a_making_that_was_cut_off_is_begun_anew(place: Place, engine: ResticEngine, tmp_path: Path) -> None:
    with door(place) as (_, repository):
        engine.create(repository, Silent())
    place.store().remove("config")  # what an init writes last
    with door(place, repository) as (_, repository):
        engine.create(repository, Silent())
        assert len(place.store().pieces("keys")) == 1
        assert backup(engine, repository, noise(tmp_path / "source", 1000)).files == 1


def test_a_making_that_was_cut_off_is_no_repository_after_release(place: Place, engine: ResticEngine) -> None:
    place.keep(f"restic/crm/keys/{KEY}", b"half of a beginning")
    with door(place) as (_, repository):
        engine.release(repository, Silent())
        assert not place.store().exists()


def test_a_repository_that_lost_its_config_is_not_made_anew(place: Place, engine: ResticEngine, tmp_path: Path) -> None:
    with door(place) as (_, repository):
        engine.create(repository, Silent())
        backup(engine, repository, noise(tmp_path / "source", 1000))
        place.store().remove("config")
        before = place.store().pieces()
        engine.create(repository, Silent())
        engine.release(repository, Silent())
        assert place.store().pieces() == before
    said = "Fatal: config cannot be loaded: <config/0000000000> does not exist"  # after 44 seconds of trying
    error = failure(Finished(1, "", said, 44.0), argv.snapshots(repository), repository)
    assert isinstance(error, RepositoryDamaged)
    assert "lost its config" in error.message


def test_a_backup_goes_on_when_its_gateway_is_killed_in_the_middle(
    place: Place, engine: ResticEngine, tmp_path: Path
) -> None:
    source = noise(tmp_path / "source", 12_000_000)
    with door(place) as (_, repository):
        engine.create(repository, Silent())
    with door(place, repository, "append") as (gateway, repository):
        gateway.limit(8e6)
        killer = threading.Thread(target=_kill_rclone_after, args=(gateway, 5_000_000))
        killer.start()
        report = backup(engine, repository, source)
        killer.join()
        gateway.limit(None)
        expected = engine.inventory(repository, NOW)
        assert [point.snapshots[0] for point in engine.restore_points(repository, Silent())] == [report.snapshot]
        for depth in ("pieces", "everything"):
            seen = engine.verify(VerifyRequest(repository, depth, expected), Silent())
            assert not seen.problems


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_what_came_through_a_door_is_brought_back_by_restic_alone(
    place: Place, engine: ResticEngine, s3_server: S3, tmp_path: Path
) -> None:
    source = noise(tmp_path / "source", 1000)
    with door(place) as (_, repository):
        engine.create(repository, Silent())
        made = backup(engine, repository, source)
    key = tmp_path / "key"
    key.write_text(repository.password.reveal())
    shell = engine.runbook(place.store().location, SecretRef("file", str(key)), made.snapshot, str(tmp_path / "out"))
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": s3_server.access,
        "AWS_SECRET_ACCESS_KEY": s3_server.secret,
        "HOME": str(tmp_path),
    }
    subprocess.run(["sh", "-ec", "\n".join(shell)], env=environment, check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "out" / str(source).lstrip("/") / "noise").read_bytes() == (source / "noise").read_bytes()


@pytest.mark.long
def test_what_an_append_only_door_keeps_is_not_reported_gone(
    place: Place, engine: ResticEngine, tmp_path: Path
) -> None:
    with door(place) as (_, repository):
        engine.create(repository, Silent())
    with door(place, repository, "append") as (_, repository):
        made = backup(engine, repository, noise(tmp_path / "source", 1000))
        report = engine.forget(ForgetRequest(repository, (made.snapshot,)), Silent())
        assert report.gone == ()
        assert [point.snapshots[0] for point in engine.restore_points(repository, Silent())] == [made.snapshot]
    with door(place, repository) as (_, repository):
        assert engine.forget(ForgetRequest(repository, (made.snapshot,)), Silent()).gone == (made.snapshot,)


@pytest.mark.long
@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_a_backup_outlasts_a_target_that_is_away_for_half_a_minute(
    place: Place, engine: ResticEngine, ssh_server: Sshd, tmp_path: Path
) -> None:
    source = noise(tmp_path / "source", 24_000_000)
    with door(place) as (gateway, repository):
        engine.create(repository, Silent())
        gateway.limit(4e6)
        outage = threading.Thread(target=_away, args=(ssh_server, gateway, 10_000_000, 30.0))
        outage.start()
        report = backup(engine, repository, source)
        outage.join()
        gateway.limit(None)
        expected = engine.inventory(repository, NOW)
        assert report.snapshot in engine.restore_points(repository, Silent())[0].snapshots
        for depth in ("pieces", "everything"):
            seen = engine.verify(VerifyRequest(repository, depth, expected), Silent())
            assert not seen.problems


def _kill_rclone_after(gateway: Gateway, count: int) -> None:
    _until(lambda: gateway.passed() > count)
    (server,) = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if b"serve\0restic" in (words := _read(path)) and b"rclone" in words and _parent(path.parent) == os.getpid()
    ]
    os.kill(server, 9)


def _away(server: Sshd, gateway: Gateway, count: int, seconds: float) -> None:
    _until(lambda: gateway.passed() > count)
    server.stop()
    time.sleep(seconds)
    server.start()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _parent(process: Path) -> int:
    return int(_read(process / "stat").rpartition(b")")[2].split()[1])


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(1200):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that within a minute")
