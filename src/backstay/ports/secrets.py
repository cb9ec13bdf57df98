"""Secrets are fetched when needed and never shown."""

from __future__ import annotations

from typing import Protocol

from backstay.domain.secrets import Secret, SecretRef


class Secrets(Protocol):
    """Promises: what `resolve` has returned never passes `redact` unhidden, nor do its parts that are secret
    (the password in an address)."""

    def resolve(self, reference: SecretRef) -> Secret:
        """The secret. ConfigError if it is not there, empty, or its file can be read by others."""

    def hide(self, value: str) -> None:
        """From now on `redact` hides this value too."""

    def redact(self, text: str) -> str:
        """The text with every secret known so far replaced by ***."""
