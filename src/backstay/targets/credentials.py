"""What opens a target, in the words of rclone's settings."""

from __future__ import annotations

import re
from collections.abc import Mapping

from backstay.domain.errors import ConfigError
from backstay.domain.secrets import Secret

_S3_NAMES = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
}


def s3_keys(secret: Secret, target: str) -> Mapping[str, Secret]:
    """Of a credentials file as the AWS tools write it; of several profiles in it, the first counts."""
    found: dict[str, Secret] = {}
    for line in secret.reveal().splitlines():
        name, equals, value = (part.strip() for part in line.partition("="))
        if equals and name in _S3_NAMES:
            found.setdefault(_S3_NAMES[name], Secret(value))
    if {"access_key_id", "secret_access_key"} - found.keys():
        hint = "Write the lines aws_access_key_id = … and aws_secret_access_key = … into it."
        raise ConfigError(f"the credentials of the target {target} hold no S3 keys", subject=target, hint=hint)
    return found


def is_private_key(secret: Secret) -> bool:
    """Whether it is an SSH key rather than a password."""
    return bool(re.match(r"\s*-----BEGIN [A-Z ]*PRIVATE KEY-----", secret.reveal()))


def on_one_line(key: Secret) -> Secret:
    """A key as rclone takes it by a setting.

    Source: rclone 1.75, "SFTP", --sftp-key-pem
    """
    return Secret(key.reveal().strip().replace("\r\n", "\n").replace("\n", "\\n"))
