"""How targets elsewhere are written, and what opens them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import asyncssh
import pytest

from backstay.domain.errors import ConfigError
from backstay.domain.estate import Target
from backstay.domain.secrets import Secret
from backstay.targets.credentials import is_private_key, on_one_line, s3_keys
from backstay.targets.known_hosts import algorithms
from backstay.targets.remotes import location_of, remote_of

S3_PLAIN = {"type": "s3", "provider": "AWS", "no_check_bucket": "true"}


@pytest.mark.parametrize(
    ("url", "spec", "settings"),
    [
        ("/srv/vault", "target:/srv/vault/restic/crm", {"type": "local"}),
        (
            "sftp://b@far:2222/srv/v",
            "target:/srv/v/restic/crm",
            {"type": "sftp", "host": "far", "port": "2222", "user": "b"},
        ),
        ("sftp://far/srv/my%20v", "target:/srv/my v/restic/crm", {"type": "sftp", "host": "far", "port": "22"}),
        ("s3://acme/main", "target:acme/main/restic/crm", S3_PLAIN),
        ("s3://acme", "target:acme/restic/crm", S3_PLAIN),
        ("s3://acme/?region=eu-1", "target:acme/restic/crm", S3_PLAIN | {"region": "eu-1"}),
        (
            "s3://acme/a/b?endpoint=http://127.0.0.1:9000&region=x",
            "target:acme/a/b/restic/crm",
            S3_PLAIN | {"provider": "Other", "endpoint": "http://127.0.0.1:9000", "region": "x"},
        ),
        ("rclone:drive:copies", "drive:copies/restic/crm", {}),
        ("rclone:drive:", "drive:restic/crm", {}),
    ],
)
def test_an_address_names_a_place(url: str, spec: str, settings: dict[str, str]) -> None:
    remote = remote_of(Target("t", url))
    assert remote.spec("restic", "crm") == spec
    assert remote.settings == settings


def test_amazon_is_asked_in_the_targets_region_and_own_servers_are_not() -> None:
    assert remote_of(Target("t", "s3://acme", region="eu-1")).settings["region"] == "eu-1"
    assert "region" not in remote_of(Target("t", "s3://acme?endpoint=http://here:1", region="at")).settings


def test_what_goes_into_a_locked_bucket_of_an_own_server_bears_a_checksum() -> None:
    own, amazon = Target("t", "s3://v?endpoint=http://here:1", lock=timedelta(days=1)), Target("t", "s3://v")
    assert remote_of(own).settings["upload_cutoff"] == "0"
    assert "upload_cutoff" not in remote_of(replace(own, lock=None)).settings
    assert "upload_cutoff" not in remote_of(replace(amazon, lock=own.lock)).settings


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://far/srv", "sftp://far", "sftp://far/", "sftp:///srv", "sftp://far:port/srv", "sftp://u:hush@far/srv"),
        *("s3://", "s3:///prefix", "s3://acme?endpiont=x", "s3://key:hush@acme/x", "sftp://far/srv?known_hosts=no"),
        *("rclone:", "rclone:drive", "rclone::path", "rclone:--config=/x:y"),
    ],
)
def test_other_addresses_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(ConfigError, match="the target t names no place") as refused:
        remote_of(Target("t", url))
    assert refused.value.hint
    assert "hush" not in f"{refused.value}{refused.value.details()}"


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("/srv/vault", "/srv/vault/restic/crm"),
        ("sftp://b@far/srv/v", "sftp://b@far/srv/v/restic/crm"),
        ("s3://acme/main?region=x", "s3://acme/main/restic/crm?region=x"),
        ("rclone:drive:", "rclone:drive:restic/crm"),
        ("rclone:drive:a?b", "rclone:drive:a?b/restic/crm"),
    ],
)
def test_a_repository_has_the_targets_address_and_its_own_below(url: str, location: str) -> None:
    assert location_of(Target("t", url), "restic", "crm") == location


def test_s3_keys_are_read_as_the_aws_tools_write_them() -> None:
    text = "[default]\naws_access_key_id = A\naws_secret_access_key=S=/+\n[other]\naws_access_key_id = B\n"
    assert s3_keys(Secret(text), "t") == {"access_key_id": Secret("A"), "secret_access_key": Secret("S=/+")}


def test_credentials_without_s3_keys_are_refused_without_showing_them() -> None:
    with pytest.raises(ConfigError, match="hold no S3 keys") as refused:
        s3_keys(Secret("aws_access_key_id = hush"), "t")
    assert "hush" not in f"{refused.value}{refused.value.details()}"


def test_a_private_key_is_told_from_a_password() -> None:
    key = Secret(asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode())
    assert is_private_key(key)
    assert not is_private_key(Secret(token_hex()))
    assert "\n" not in on_one_line(key).reveal()
    assert on_one_line(key).reveal().replace("\\n", "\n") == key.reveal().strip()


def test_a_server_is_asked_for_the_sorts_of_key_by_which_it_is_known(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    lines = []
    for sort in ("ssh-ed25519", "ssh-rsa"):
        key = asyncssh.generate_private_key(sort).export_public_key().decode()
        lines.append(f"[far]:2222 {' '.join(key.split()[:2])}\n")
    known.write_text("".join(lines))
    assert algorithms(str(known), "far", 2222) == "ssh-ed25519 rsa-sha2-512 rsa-sha2-256 ssh-rsa"
    assert algorithms(str(known), "elsewhere", 2222) == ""
    assert algorithms(str(tmp_path / "none"), "far", 2222) == ""
