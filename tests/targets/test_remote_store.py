"""What is promised about repositories that lie elsewhere, on real servers."""

from __future__ import annotations

import hashlib
import socket
import time
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import asyncssh
import pytest

from backstay.domain.errors import ConfigError, InvariantBroken, RepositoryDamaged, Unavailable
from backstay.domain.estate import Target
from backstay.domain.secrets import SecretRef
from backstay.ports.store import remove_halves
from backstay.targets.rclone import Rclone
from backstay.targets.stores import store_for
from targets.far_places import FAR, Place
from targets.far_servers import S3, Sshd, free_port

everywhere = pytest.mark.parametrize("place", FAR, indirect=True)
PIECES = {"config": b"c", "data/00/aa": b"12345", "keys/k": b"key"}


def fill(place: Place) -> None:
    for name, content in PIECES.items():
        place.keep(f"restic/crm/{name}", content)


@everywhere
def test_the_pieces_are_all_files_with_their_sizes(place: Place) -> None:
    store = place.store()
    assert not store.exists()
    assert store.pieces() == {}
    store.prepare()
    assert not store.exists()
    fill(place)
    assert store.exists()
    assert store.pieces() == {name: len(content) for name, content in PIECES.items()}
    assert store.pieces("data/") == store.pieces("data") == {"data/00/aa": 5}
    assert store.pieces("snapshots") == {}


@everywhere
def test_digests_are_those_of_the_stored_bytes_and_a_missing_piece_is_damage(place: Place) -> None:
    fill(place)
    store = place.store(first_use=False)
    found = dict(store.digests(["config", "data/00/zz", "data/00/aa"]))
    assert found["config"] == hashlib.sha256(b"c").hexdigest()
    assert found["data/00/aa"] == hashlib.sha256(b"12345").hexdigest()
    assert isinstance(found["data/00/zz"], RepositoryDamaged)
    with pytest.raises(RepositoryDamaged, match="data/00/zz cannot be read: No such file"):
        store.digest("data/00/zz")


@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_halves_of_pieces_are_taken_away_and_whole_ones_stay(place: Place) -> None:
    whole = hashlib.sha256(b"whole").hexdigest()
    half = hashlib.sha256(b"what it should have become").hexdigest()
    place.keep(f"restic/crm/data/00/{whole}", b"whole")
    place.keep(f"restic/crm/data/00/{half}", b"what it sh")
    store = place.store(first_use=False)
    assert remove_halves(store) == (f"data/00/{half}",)
    assert store.pieces() == {f"data/00/{whole}": 5}
    store.remove(f"data/00/{half}")  # what is gone already is no error


@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_a_target_in_use_that_is_empty_is_unavailable(place: Place) -> None:
    with pytest.raises(Unavailable, match=r"the target far is (empty|not there)"):
        place.store(first_use=False).prepare()
    fill(place)
    place.store("web", first_use=False).prepare()


@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_a_target_folder_that_is_gone_is_unavailable_and_not_made_again(place: Place, tmp_path: Path) -> None:
    store = place.store(first_use=False)
    (tmp_path / "copies").rename(tmp_path / "unplugged")
    for ask in (store.exists, store.prepare, store.pieces):
        with pytest.raises(Unavailable, match="the target far is not there"):
            ask()
    assert not (tmp_path / "copies").exists()


@pytest.mark.parametrize("name", ["../other/config", "data/../../other", "/etc/passwd"])
@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_no_name_leads_out_of_the_repository(place: Place, name: str) -> None:
    for ask in (place.store().digest, place.store().pieces, place.store().remove):
        with pytest.raises(InvariantBroken):
            ask(name)


def test_a_server_that_refuses_is_told_at_once(
    rclone: Rclone, ssh_server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ssh_server.trust(tmp_path)
    target = Target("far", f"sftp://backup@127.0.0.1:{free_port()}/srv")
    with pytest.raises(Unavailable, match=r"far does not answer: .*connection refused"):
        store_for(target, "restic", "crm", first_use=True, rclone=rclone).pieces()


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["sftp", "s3"])
def test_a_server_that_keeps_silent_is_given_up_within_a_minute(
    rclone: Rclone, ssh_server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ssh_server.trust(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        keys = SecretRef("file", str(S3(port, "A" * 20, token_hex(20)).credentials(tmp_path)))
        url = f"sftp://b@127.0.0.1:{port}/srv" if scheme == "sftp" else f"s3://v?endpoint=http://127.0.0.1:{port}"
        began = time.monotonic()
        with pytest.raises(Unavailable):
            store_for(
                Target("far", url, credentials=keys if scheme == "s3" else None),
                "restic",
                "crm",
                first_use=True,
                rclone=rclone,
            ).pieces()
        assert time.monotonic() - began < 60


@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_a_server_with_an_unknown_or_another_key_is_refused(place: Place, ssh_server: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "home/.ssh/known_hosts"
    known.write_text(ssh_server.known_hosts.replace("127.0.0.1", "127.0.0.9"))
    with pytest.raises(Unavailable, match="key is unknown") as refused:
        place.store().exists()
    assert "ssh-keyscan" in str(refused.value.hint)
    mine = (ssh_server.folder / "key.pub").read_text().split()[:2]
    known.write_text(" ".join([ssh_server.known_hosts.split()[0], *mine]))
    with pytest.raises(Unavailable, match="key mismatch") as refused:
        place.store().exists()
    assert "another machine" in str(refused.value.hint)


@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_a_wrong_account_is_unavailable_with_a_hint(place: Place, tmp_path: Path) -> None:
    own = tmp_path / "home/.ssh/id_ed25519"
    own.unlink()
    with pytest.raises(Unavailable) as refused:
        place.store().exists()
    assert "ssh-keygen" in str(refused.value.hint)
    own.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    with pytest.raises(Unavailable, match=r"unable to authenticate") as refused:
        place.store().exists()
    assert "credentials" in str(refused.value.hint)


@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_a_key_may_come_from_the_targets_credentials(place: Place, ssh_server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "home/.ssh/id_ed25519").unlink()
    opened = replace(place.target, credentials=SecretRef("file", str(ssh_server.key)))
    assert not replace(place, target=opened).store().exists()


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_wrong_s3_keys_are_unavailable_with_a_hint(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "s3-credentials"
    path.write_text(path.read_text().replace("aws_access_key_id = ", "aws_access_key_id = X"))
    with pytest.raises(Unavailable) as refused:
        place.store().pieces()
    assert "credentials" in str(refused.value.hint)


def test_a_remote_of_the_users_own_configuration_is_reached_by_its_name(rclone: Rclone, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    configuration = tmp_path / "rclone.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(f"[drive]\ntype = alias\nremote = {tmp_path}/copies\n")
    target = Target("far", "rclone:drive:", credentials=SecretRef("file", str(configuration)))
    place = Place(target, rclone, None)  # type: ignore[arg-type]  # no door is opened here
    fill(place)
    assert place.store(first_use=False).pieces() == {name: len(content) for name, content in PIECES.items()}
    assert (tmp_path / "copies/restic/crm/config").read_bytes() == b"c"


def test_the_users_own_configuration_must_be_a_file(rclone: Rclone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIVE", "[drive]\ntype = local\n")
    target = Target("far", "rclone:drive:", credentials=SecretRef("env", "DRIVE"))
    with pytest.raises(ConfigError, match="credentials of far are no file"):
        store_for(target, "restic", "crm", first_use=True, rclone=rclone).exists()
