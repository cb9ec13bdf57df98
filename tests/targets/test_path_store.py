"""What is promised about repositories that lie in a folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backstay.domain.errors import ConfigError, InvariantBroken, RepositoryDamaged, Unavailable
from backstay.domain.estate import Target
from backstay.ports.store import Store, remove_halves
from backstay.targets.stores import store_for


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    folder = tmp_path / "vault"
    folder.mkdir()
    return folder


def store_in(folder: Path, *, first_use: bool = False, name: str = "crm") -> Store:
    return store_for(Target("vault", str(folder)), "restic", name, first_use=first_use)


def filled(vault: Path) -> Store:
    store = store_in(vault, first_use=True)
    store.prepare()
    for name, content in {"config": b"c", "data/00/aa": b"12345", "data/ff/bb": b"", "keys/k": b"key"}.items():
        path = Path(store.location, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return store


def test_a_repository_lies_by_engine_and_workload(vault: Path) -> None:
    assert store_in(vault).location == f"{vault}/restic/crm"


def test_the_pieces_are_all_files_with_their_sizes(vault: Path) -> None:
    store = filled(vault)
    assert store.exists()
    assert store.pieces() == {"config": 1, "data/00/aa": 5, "data/ff/bb": 0, "keys/k": 3}
    assert store.pieces("data") == store.pieces("data/") == {"data/00/aa": 5, "data/ff/bb": 0}
    assert store.pieces("snapshots") == {}


def test_pieces_on_another_disk_behind_a_link_count(vault: Path, tmp_path: Path) -> None:
    store = filled(vault)
    Path(store.location, "data").rename(tmp_path / "data")
    Path(store.location, "data").symlink_to(tmp_path / "data")
    assert store.pieces("data") == {"data/00/aa": 5, "data/ff/bb": 0}


def test_a_link_to_nothing_is_no_piece(vault: Path) -> None:
    store = filled(vault)
    Path(store.location, "keys/gone").symlink_to("/no/such/piece")
    assert store.pieces("keys") == {"keys/k": 3}


def test_the_digest_is_that_of_the_stored_bytes(vault: Path) -> None:
    store = filled(vault)
    Path(store.location, "big").write_bytes(b"x" * 3_000_001)
    assert store.digest("big") == hashlib.sha256(b"x" * 3_000_001).hexdigest()


def test_many_digests_are_those_of_each_piece(vault: Path) -> None:
    store = filled(vault)
    found = dict(store.digests(["config", "data/00/zz", "data/00/aa"]))
    assert found["config"] == hashlib.sha256(b"c").hexdigest()
    assert found["data/00/aa"] == hashlib.sha256(b"12345").hexdigest()
    assert isinstance(found["data/00/zz"], RepositoryDamaged)


def test_the_newest_pieces_come_first(vault: Path) -> None:
    store = filled(vault)
    for age, name in enumerate(("data/ff/bb", "keys/k", "config", "data/00/aa")):
        os.utime(Path(store.location, name), (10_000 - age, 10_000 - age))
    assert store.newest(3) == ["data/ff/bb", "keys/k", "config"]


def test_a_piece_can_be_taken_away_and_is_then_gone(vault: Path) -> None:
    store = filled(vault)
    store.remove("keys/k")
    store.remove("keys/k")
    assert store.pieces("keys") == {}


def test_halves_of_pieces_are_taken_away_and_whole_ones_stay(vault: Path) -> None:
    store = filled(vault)
    whole = hashlib.sha256(b"whole").hexdigest()
    half = hashlib.sha256(b"what it should have become").hexdigest()
    Path(store.location, "data/00", whole).write_bytes(b"whole")
    Path(store.location, "data/00", half).write_bytes(b"what it sh")
    assert remove_halves(store) == (f"data/00/{half}",)
    assert store.pieces("data/00") == {"data/00/aa": 5, f"data/00/{whole}": 5}


def test_folders_alone_are_no_repository(vault: Path) -> None:
    store = store_in(vault, first_use=True)
    (Path(store.location) / "data" / "00").mkdir(parents=True)
    assert not store.exists()


def test_a_missing_piece_is_damage(vault: Path) -> None:
    with pytest.raises(RepositoryDamaged, match="data/00/zz cannot be read: No such file"):
        filled(vault).digest("data/00/zz")


@pytest.mark.parametrize("name", ["../other/config", "data/../../other", "/etc/passwd"])
def test_no_name_leads_out_of_the_repository(vault: Path, name: str) -> None:
    store = filled(vault)
    with pytest.raises(InvariantBroken):
        store.digest(name)
    with pytest.raises(InvariantBroken):
        store.pieces(name)


def test_a_new_target_is_made_when_nothing_was_ever_stored_there(tmp_path: Path) -> None:
    store = store_in(tmp_path / "disk" / "vault", first_use=True)
    assert not store.exists()
    assert store.pieces() == {}
    store.prepare()
    store.prepare()
    assert os.path.isdir(store.location)
    assert not store.exists()


def test_a_target_that_is_gone_is_unavailable_and_not_made_again(vault: Path) -> None:
    filled(vault)
    vault.rename(vault.with_name("unplugged"))
    store = store_in(vault)
    for ask in (store.exists, store.prepare, store.pieces, lambda: store.digest("config")):
        with pytest.raises(Unavailable, match=f"{vault} is not there"):
            ask()
    assert not vault.exists()


def test_nothing_is_written_into_the_empty_folder_beneath_a_mount(vault: Path) -> None:
    with pytest.raises(Unavailable, match="is empty, though copies were stored in it") as failed:
        store_in(vault).prepare()
    assert failed.value.hint is not None
    assert f"mkdir {vault}/restic" in failed.value.hint
    (vault / "restic").mkdir()
    store_in(vault).prepare()


def test_another_repository_in_a_target_in_use_needs_no_first_use(vault: Path) -> None:
    filled(vault)
    store_in(vault, name="web").prepare()
    assert (vault / "restic/web").is_dir()


def test_a_folder_that_cannot_be_written_is_unavailable_with_the_reason() -> None:
    with pytest.raises(Unavailable, match="/proc/vault: No such file"):
        store_in(Path("/proc/vault"), first_use=True).prepare()


@pytest.fixture
def read_only(vault: Path) -> Iterator[Path]:
    """A folder on a disk that is mounted read-only if we may mount one, else one that we may not write."""
    filled(vault)
    if os.geteuid() == 0:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(vault)], check=True)
        yield vault
        subprocess.run(["umount", str(vault)], check=True)
    else:
        vault.chmod(0o500)
        yield vault
        vault.chmod(0o700)


def test_a_read_only_disk_is_unavailable_with_a_hint(read_only: Path) -> None:
    with pytest.raises(Unavailable, match=r"Read-only file system|Permission denied") as failed:
        store_in(read_only, first_use=True, name="web").prepare()
    assert failed.value.hint is not None
    assert failed.value.subject == str(read_only)


def test_a_listing_of_a_wide_repository_is_quick(vault: Path) -> None:
    store = filled(vault)
    for n in range(256):
        folder = Path(store.location, "data", f"{n:02x}")
        folder.mkdir(exist_ok=True)
        for piece in range(8):
            (folder / f"piece{piece}").write_bytes(b"x")
    spans = []
    for _ in range(5):
        began = time.perf_counter()
        assert len(store.pieces()) == 256 * 8 + 4
        spans.append(time.perf_counter() - began)
    assert min(spans) < 0.2  # measured: about 10 ms; the rest is for a busy machine


def test_targets_elsewhere_are_refused_with_what_works() -> None:
    with pytest.raises(ConfigError, match="works on folders only"):
        store_for(Target("offsite", "s3://acme/main"), "restic", "crm", first_use=True)


def test_a_folder_that_we_may_not_see_is_unavailable(vault: Path) -> None:
    filled(vault)
    vault.chmod(0o000)
    script = """
import os, pwd, sys
from backstay.domain.errors import Unavailable
from backstay.targets.path import PathStore
if os.geteuid() == 0:
    os.setuid(pwd.getpwnam("nobody").pw_uid)
try:
    PathStore(sys.argv[1], "restic", "crm", first_use=True).pieces()
except Unavailable as error:
    sys.exit("Permission denied" not in str(error))
sys.exit("it answered")
"""
    status = subprocess.run([sys.executable, "-c", script, str(vault)], check=False).returncode
    vault.chmod(0o700)
    assert status == 0


def test_a_folder_that_is_watched_may_get_and_lose_pieces(vault: Path) -> None:
    store = filled(vault)
    still_there = store.watched()
    Path(store.location, "index").mkdir()
    Path(store.location, "data/00/aa").unlink()
    still_there()


@pytest.mark.parametrize("stray", [False, True])
def test_a_folder_that_is_watched_and_goes_or_is_begun_anew_is_told(vault: Path, stray: bool) -> None:
    store = filled(vault)
    still_there = store.watched()
    vault.rename(vault.with_name("disk"))
    if stray:
        Path(store.location, "data").mkdir(parents=True)
    with pytest.raises(Unavailable, match="another folder than before" if stray else "No such file"):
        still_there()


def test_a_folder_that_is_watched_and_comes_to_lie_on_another_disk_is_told(
    vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, stat = filled(vault), os.stat
    still_there = store.watched()

    def elsewhere(path: str) -> os.stat_result:
        found = stat(path)
        return os.stat_result([*found[:2], found.st_dev + 1, *found[3:]])

    monkeypatch.setattr(os, "stat", elsewhere)
    with pytest.raises(Unavailable, match="another folder than before"):
        still_there()
