"""A restore by hand, as lines for a shell."""

from __future__ import annotations

import shlex

from backstay.domain.secrets import SecretRef


def lines(location: str, key: SecretRef, snapshot: str, into: str) -> tuple[str, ...]:
    """Two lines: where the password is, and the restore itself.

    >>> lines("/srv/v", SecretRef("file", "/k"), "7f3a", "/tmp/r")[0]
    'export RESTIC_PASSWORD_FILE=/k'
    """
    return (
        f"export {_password(key)}",
        f"restic --repo {shlex.quote(location)} restore {snapshot} --target {shlex.quote(into)}",
    )


def _password(key: SecretRef) -> str:
    if key.scheme == "file":
        return f"RESTIC_PASSWORD_FILE={shlex.quote(key.value)}"
    if key.scheme == "env":
        return f'RESTIC_PASSWORD="${key.value}"'
    command = f"keyring get {key.value.replace('/', ' ', 1)}" if key.scheme == "keyring" else key.value
    return f"RESTIC_PASSWORD_COMMAND={shlex.quote(command)}"
