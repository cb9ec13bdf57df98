"""What is promised about throwaway folders."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
from pathlib import Path

import pytest

from backstay.domain.errors import CatalogError
from backstay.host.places import ScratchPlaces
from host.conftest import Worker
from host.waiting import until


@pytest.fixture
def places(state: Path) -> ScratchPlaces:
    return ScratchPlaces(str(state))


def records(state: Path) -> list[str]:
    return os.listdir(state / "places")


def test_a_place_is_private_and_gone_afterwards(places: ScratchPlaces, state: Path) -> None:
    with places.open("drill") as place:
        assert os.stat(place).st_mode & 0o777 == 0o700
        assert os.listdir(place) == []
        Path(place, "data").write_text("x")
    assert not os.path.exists(place)
    assert records(state) == []


def test_a_place_is_gone_when_the_work_in_it_fails(places: ScratchPlaces) -> None:
    work = places.open("drill")
    place = work.__enter__()
    work.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert not os.path.exists(place)


def test_folders_that_nobody_may_write_are_removed_too(places: ScratchPlaces) -> None:
    with places.open("drill") as place:
        deep = Path(place, "a", "b")
        deep.mkdir(parents=True)
        (deep / "file").write_text("x")
        for folder in (deep, deep.parent, Path(place)):
            folder.chmod(0o000)
    assert not os.path.exists(place)


def test_an_ordinary_user_can_remove_them_too(worker: Worker) -> None:
    # Every mode gives way to root; an ordinary account must open up the folders first.
    process = worker("""
import os, pwd, tempfile
theirs = tempfile.TemporaryDirectory()
if os.geteuid() == 0:
    os.chown(theirs.name, pwd.getpwnam("nobody").pw_uid, -1)
    os.setuid(pwd.getpwnam("nobody").pw_uid)
with theirs, ScratchPlaces(theirs.name).open("drill") as place:
    Path(place, "a").mkdir()
    Path(place, "a", "file").write_text("x")
    Path(place, "a").chmod(0o500)
    Path(place).chmod(0o000)
sys.exit(Path(place).exists())
""")
    assert process.wait(60) == 0


def test_a_place_can_belong_to_the_ordinary_user(places: ScratchPlaces) -> None:
    user = places.ordinary_user
    with places.open("drill", for_user=user) as place:
        owner = pwd.getpwuid(os.stat(place).st_uid).pw_name
        assert owner == (user or pwd.getpwuid(os.geteuid()).pw_name)
        if user is not None:
            subprocess.run(["setpriv", "--reuid", user, "--clear-groups", "touch", f"{place}/file"], check=True)


def test_the_ordinary_user_is_asked_for_by_root_only(places: ScratchPlaces) -> None:
    assert places.ordinary_user in ("postgres", "nobody") if os.geteuid() == 0 else places.ordinary_user is None


def test_a_server_socket_fits_into_a_place_whatever_tmpdir_is(
    places: ScratchPlaces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with places.open("drill") as place:
        path = f"{place}/socket/.s.PGSQL.54321"
        assert len(path) < 100
        os.mkdir(f"{place}/socket")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)


def test_places_of_dead_processes_are_swept_and_no_others(
    worker: Worker, places: ScratchPlaces, state: Path, tmp_path: Path
) -> None:
    process = worker("""
with ScratchPlaces(state).open("drill") as place:
    Path(place, "data").write_text("x")
    Path(tmp, "place").write_text(place + ";")
    time.sleep(300)
""")
    told = tmp_path / "place"
    until(lambda: told.exists() and told.read_text().endswith(";"))
    theirs = told.read_text().rstrip(";")
    with places.open("ours") as ours:
        assert places.sweep() == 0
        process.kill()
        process.wait()
        assert places.sweep() == 1
        assert not os.path.exists(theirs)
        assert os.path.exists(ours)
        assert places.sweep() == 0
    assert records(state) == []


@pytest.mark.parametrize("record", ["", "1:1\n", "nobody\n{folder}\n", "1:1\n{folder}\n", "1:1\n/\n"])
def test_a_record_that_was_meddled_with_removes_nothing(
    places: ScratchPlaces, state: Path, tmp_path: Path, record: str
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (state / "places").mkdir()
    (state / "places/backstay-0123abcd").write_text(record.format(folder=precious))
    assert places.sweep() == 0
    assert precious.exists()


def test_what_is_mounted_in_a_place_is_not_emptied(places: ScratchPlaces, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "data").write_text("x")
    with places.open("drill") as place:
        os.mkdir(f"{place}/mount")
        mounted = subprocess.run(["mount", "--bind", str(precious), f"{place}/mount"], capture_output=True, check=False)
    assert (precious / "data").exists()
    if mounted.returncode == 0:
        assert os.path.exists(place)
        subprocess.run(["umount", f"{place}/mount"], check=True)
        os.rmdir(f"{place}/mount")
        os.rmdir(place)


def test_a_state_folder_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="No such file"), ScratchPlaces(str(tmp_path / "none")).open("drill"):
        pass
