"""Secrets, and the references by which an estate names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scheme = Literal["env", "file", "cmd", "keyring"]

SCHEMES: tuple[Scheme, ...] = ("env", "file", "cmd", "keyring")


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret can be had; never the secret.

    Written `env:NAME`, `file:/path`, `cmd:argv`, `keyring:service/user`.
    """

    scheme: Scheme
    value: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"


def secret_reference(text: str) -> SecretRef | None:
    """The reference that this text writes, or None if it writes none.

    >>> secret_reference("env:CRM_DSN")
    SecretRef(scheme='env', value='CRM_DSN')
    >>> secret_reference("postgresql:///crm") is None
    True
    """
    scheme, colon, value = text.partition(":")
    if colon and value and not value.startswith("//"):
        for known in SCHEMES:
            if scheme == known:
                return SecretRef(known, value)
    return None


class Secret:
    """A secret that shows itself only when asked to.

    >>> f"{Secret('hush')!r} {Secret('hush')}"
    '*** ***'
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, for an environment variable or a private file and nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)
