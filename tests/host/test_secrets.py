"""What is promised about secrets: where they come from, and that they do not show."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import keyring
import keyring.backend
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.domain.errors import ConfigError
from backstay.domain.secrets import SecretRef
from backstay.host.secrets import HostSecrets

CANARY = "canary-7f3a9d11"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{CANARY}\n")
    path.chmod(0o600)
    return path


def fetched(scheme: str, value: str) -> str:
    return HostSecrets().resolve(SecretRef(scheme, value)).reveal()  # type: ignore[arg-type]  # tables of schemes


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_PASSWORD", CANARY)
    assert fetched("env", "CRM_PASSWORD") == CANARY


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigError, match="the environment variable NO_SUCH_VARIABLE is not set"):
        fetched("env", "NO_SUCH_VARIABLE")


def test_a_secret_comes_from_a_private_file_without_its_line_end(file: Path) -> None:
    assert fetched("file", str(file)) == CANARY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o700])
def test_a_file_that_others_may_touch_is_refused_with_the_cure(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"{file} has mode {mode:04o}") as refused:
        fetched("file", str(file))
    assert refused.value.hint == f"Run: chmod 600 {file}"


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_that_only_we_may_read_is_taken(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert fetched("file", str(file)) == CANARY


def test_a_named_pipe_is_refused_and_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ConfigError, match="not a regular file"):
        fetched("file", str(tmp_path / "pipe"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "is not UTF-8"), (b"a\0b", "contains a NUL byte")],
)
def test_a_file_with_no_usable_secret_is_refused(file: Path, content: bytes, complaint: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=complaint):
        fetched("file", str(file))


def test_a_variable_that_is_no_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_PASSWORD", os.fsdecode(b"caf\xe9"))
    with pytest.raises(ConfigError, match="is not UTF-8"):
        fetched("env", "CRM_PASSWORD")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{tmp_path / 'none'} cannot be read: No such file"):
        fetched("file", str(tmp_path / "none"))


def test_a_secret_is_the_first_line_that_a_command_writes() -> None:
    assert fetched("cmd", f"printf '{CANARY}\\nand more\\n'") == CANARY


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (f"sh -c 'echo {CANARY}; echo {CANARY} >&2; exit 3'", "ended with status 3"),
        (f"no-such-program {CANARY}", "ended with status 127"),
        (f"'{CANARY}", "cannot be run"),
        ("true", "is empty"),
    ],
)
def test_a_command_that_fails_keeps_what_it_said_to_itself(command: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as failed:
        fetched("cmd", command)
    assert CANARY not in f"{failed.value} {failed.value.details()}" or command.startswith("'")


class OneKey(keyring.backend.KeyringBackend):
    """A keyring with one entry."""

    def get_password(self, service: str, username: str) -> str | None:
        return CANARY if (service, username) == ("backup/crm", "ada") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


def test_a_secret_comes_from_the_keyring() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(OneKey())  # type: ignore[no-untyped-call]  # keyring's own class has no annotations
    try:
        assert fetched("keyring", "backup/crm/ada") == CANARY
        with pytest.raises(ConfigError, match="the keyring has no keyring:backup/crm/bob"):
            fetched("keyring", "backup/crm/bob")
    finally:
        keyring.set_keyring(before)


def test_a_machine_without_a_keyring_says_so() -> None:
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]  # keyring's own class has no annotations
    try:
        with pytest.raises(ConfigError, match="the keyring did not give keyring:crm/ada: NoKeyringError"):
            fetched("keyring", "crm/ada")
    finally:
        keyring.set_keyring(before)


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        (CANARY, f"login as {CANARY} failed"),
        (f"postgresql://ada:{CANARY}@db/crm", f"could not use {CANARY}"),
        ("postgresql://ada:canary%2D7f3a9d11@db/crm", f"could not use {CANARY}"),
        (f"host=db password={CANARY}", f"could not use {CANARY}"),
        (f"host=db password='{CANARY}'", f"could not use {CANARY}"),
        (f"[default]\naws_secret_access_key = {CANARY}\n", f"signed with {CANARY}"),
        (f"-----\n{CANARY}\n-----", f"a line of it is {CANARY}"),
        (f'{CANARY}"ü', '{"message": "wrong: ' + CANARY + '\\"\\u00fc"}'),
        (f"{CANARY}/?", f"GET /login?key={CANARY}%2F%3F"),
    ],
)
def test_what_is_secret_in_a_secret_does_not_pass_redaction(secret: str, text: str) -> None:
    secrets = HostSecrets()
    secrets.hide(secret)
    assert CANARY not in secrets.redact(text)
    assert "***" in secrets.redact(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ada:x@db/crm", "postgresql://ada:***@db/crm"),
        ("redis://:p@ss@cache", "redis://:***@cache"),
        ("host=db password=x user=ada", "host=db password=*** user=ada"),
        ("password = 'it\\'s me' x", "password = *** x"),
        ("PGPASSWORD=x psql", "PGPASSWORD=*** psql"),
        ("https://docs/a:b and user@host", "https://docs/a:b and user@host"),
    ],
)
def test_a_password_where_passwords_are_written_is_hidden_even_if_nobody_knows_it(text: str, shown: str) -> None:
    assert HostSecrets().redact(text) == shown


def test_a_very_short_secret_does_not_eat_common_words() -> None:
    secrets = HostSecrets()
    secrets.hide("at")
    assert secrets.redact("data at rest, password=at") == "data at rest, password=***"


def test_a_secret_within_another_does_not_leave_the_rest_readable() -> None:
    secrets = HostSecrets()
    secrets.hide("canary")
    secrets.hide(CANARY)
    assert secrets.redact(f"it is {CANARY}") == "it is ***"


@given(known=st.lists(st.text(st.characters(exclude_characters="*\r\n"), min_size=4), min_size=1), around=st.text())
def test_no_known_secret_passes_redaction(known: list[str], around: str) -> None:
    secrets = HostSecrets()
    for value in known:
        secrets.hide(value)
    shown = secrets.redact(around.join(known))
    assert not any(value in shown for value in known)


def test_what_was_resolved_is_hidden(file: Path) -> None:
    secrets = HostSecrets()
    secret = secrets.resolve(SecretRef("file", str(file)))
    assert secrets.redact(f"{secret} is {CANARY}") == "*** is ***"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
