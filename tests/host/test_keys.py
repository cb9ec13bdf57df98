"""What is promised about repository keys."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from backstay.domain.errors import CatalogError, ConfigError, EngineFailed, InvariantBroken
from backstay.domain.estate import Target
from backstay.domain.secrets import Secret, SecretRef
from backstay.host.keys import RepositoryKey, RepositoryKeys
from backstay.host.secrets import HostSecrets
from host.conftest import Worker

VAULT = Target("vault", "/srv/backups")


@pytest.fixture
def keys(state: Path, secrets: HostSecrets) -> RepositoryKeys:
    return RepositoryKeys(str(state), secrets)


def test_a_key_is_made_on_first_use_and_stays_the_same(keys: RepositoryKeys, state: Path) -> None:
    key = keys.password_for(VAULT, "restic", "crm")
    assert len(key.reveal()) >= 43
    assert keys.password_for(VAULT, "restic", "crm", must_exist=True) == key
    assert (state / "keys/vault/restic-crm.key").read_text() == key.reveal()


def test_each_repository_has_a_key_of_its_own(keys: RepositoryKeys) -> None:
    assert keys.password_for(VAULT, "restic", "crm") != keys.password_for(VAULT, "restic", "web")


def test_a_key_is_private_from_its_first_moment(worker: Worker, keys: RepositoryKeys, state: Path) -> None:
    process = worker("""
import os
os.umask(0)
keys = RepositoryKeys(state, HostSecrets())
for n in range(300):
    keys.password_for(Target("vault", "/srv"), "restic", f"w{n}")
""")
    seen: set[int] = set()
    while process.poll() is None:
        for path in state.glob("keys/vault/*"):
            try:
                seen.add(path.stat().st_mode & 0o777)
            except FileNotFoundError:
                continue
        for path in state.glob("keys/vault/*.key"):
            assert len(path.read_text()) == 43
    assert process.returncode == 0
    assert seen | {path.stat().st_mode & 0o777 for path in state.glob("keys/vault/.*")} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (state / "keys", state / "keys/vault")} == {0o700}


def test_two_that_make_a_key_at_once_get_the_same_one(keys: RepositoryKeys, state: Path) -> None:
    for n in range(50):
        got: list[Secret] = []
        threads = [
            threading.Thread(target=lambda n=n, got=got: got.append(keys.password_for(VAULT, "restic", f"w{n}")))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 4
        assert len(set(got)) == 1
    assert not list(state.glob("keys/vault/.*"))


def test_a_lost_key_is_never_replaced_while_its_repository_exists(keys: RepositoryKeys, state: Path) -> None:
    with pytest.raises(EngineFailed, match="the key of the restic repository crm in vault is missing") as failed:
        keys.password_for(VAULT, "restic", "crm", must_exist=True)
    assert failed.value.hint is not None
    assert str(state / "keys/vault/restic-crm.key") in failed.value.hint
    assert not (state / "keys/vault/restic-crm.key").exists()


def test_the_targets_own_password_comes_first(
    keys: RepositoryKeys, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_KEY", "the target's own")
    target = Target("vault", "/srv/backups", password=SecretRef("env", "VAULT_KEY"))
    assert keys.password_for(target, "restic", "crm") == Secret("the target's own")
    assert not (state / "keys").exists()


def test_a_key_never_passes_redaction(keys: RepositoryKeys, secrets: HostSecrets) -> None:
    assert secrets.redact(keys.password_for(VAULT, "restic", "crm").reveal()) == "***"


def test_a_key_that_others_may_read_is_refused(keys: RepositoryKeys) -> None:
    keys.password_for(VAULT, "restic", "crm")
    os.chmod(keys.path_of(VAULT, "restic", "crm"), 0o644)
    with pytest.raises(ConfigError, match="has mode 0644"):
        keys.password_for(VAULT, "restic", "crm")


def test_the_keys_are_listed_without_what_is_in_them(keys: RepositoryKeys, state: Path) -> None:
    assert keys.made() == ()
    keys.password_for(VAULT, "restic", "crm-db")
    assert keys.made() == (RepositoryKey("vault", "restic", "crm-db", str(state / "keys/vault/restic-crm-db.key")),)


def test_no_name_leads_out_of_the_key_folder(keys: RepositoryKeys) -> None:
    with pytest.raises(InvariantBroken):
        keys.path_of(VAULT, "restic", "../../other")


def test_a_state_folder_that_is_not_there_is_a_clear_error(secrets: HostSecrets, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="No such file or directory"):
        RepositoryKeys(str(tmp_path / "none"), secrets).password_for(VAULT, "restic", "crm")
