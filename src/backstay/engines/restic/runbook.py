"""A restore by hand, as lines for a shell."""

from __future__ import annotations

import shlex
from urllib.parse import parse_qs, urlsplit

from backstay.domain.secrets import SecretRef


def lines(location: str, key: SecretRef, snapshot: str, into: str) -> tuple[str, ...]:
    """Two lines: where the password is, and the restore itself.

    >>> lines("/srv/v", SecretRef("file", "/k"), "7f3a", "/tmp/r")[0]
    'export RESTIC_PASSWORD_FILE=/k'
    """
    return (
        f"export {_password(key)}",
        f"restic --repo {shlex.quote(address(location))} restore {snapshot} --target {shlex.quote(into)}",
    )


def address(location: str) -> str:
    """A repository's address as restic itself writes it; what opens the place is where its own tools look for it.

    >>> address("sftp://backup@far:2222/srv/v")
    'sftp://backup@far:2222//srv/v'
    >>> address("s3://acme/main/restic/crm?endpoint=https://here:9000&region=x")
    's3:https://here:9000/acme/main/restic/crm'

    Source: restic 0.18, "Preparing a new repository"
    """
    url = urlsplit(location)
    if url.scheme == "sftp":
        return f"sftp://{url.netloc}/{url.path}"
    if url.scheme == "s3":
        endpoint = parse_qs(url.query).get("endpoint", ["s3.amazonaws.com"])[0]
        return f"s3:{endpoint}/{url.netloc}{url.path}"
    return location


def _password(key: SecretRef) -> str:
    if key.scheme == "file":
        return f"RESTIC_PASSWORD_FILE={shlex.quote(key.value)}"
    if key.scheme == "env":
        return f'RESTIC_PASSWORD="${key.value}"'
    command = f"keyring get {key.value.replace('/', ' ', 1)}" if key.scheme == "keyring" else key.value
    return f"RESTIC_PASSWORD_COMMAND={shlex.quote(command)}"
