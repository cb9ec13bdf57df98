"""The `Secrets` port: fetched from where the estate says, hidden wherever they would show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from threading import Lock
from urllib.parse import quote, unquote

from backstay.domain.secrets import Secret, SecretRef

from .fetching import fetched

SHORTEST = 4
"""Shorter secrets are hidden only where passwords are written: everywhere else they would eat common words."""

_HIDDEN = "***"

# user:password@ in an address, with or without a user
_IN_ADDRESS = re.compile(r"(://[^\s:/@]*:)([^\s/]+)(?=@)")
# password=... in a libpq connection string, plain or quoted, and as a parameter of an address
_IN_SETTINGS = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s'&]+)", re.IGNORECASE)

# a line of a credentials file
_SETTING = re.compile(r"\s*[\w.-]+\s*[=:]\s*(\S.*?)\s*")


class HostSecrets:
    """Secrets of this machine. Nothing is cached: a secret that was changed is seen at its next use."""

    def __init__(self) -> None:
        self._known: tuple[str, ...] = ()
        self._lock = Lock()

    def resolve(self, reference: SecretRef) -> Secret:
        value = fetched(reference)
        self.hide(value)
        return Secret(value)

    def hide(self, value: str) -> None:
        forms = {form for part in _secret_parts(value) for form in _forms(part) if len(form) >= SHORTEST}
        with self._lock:
            # Longest first: else hiding a part would leave the rest of the whole readable.
            self._known = tuple(sorted(forms.union(self._known), key=lambda form: (-len(form), form)))

    def redact(self, text: str) -> str:
        for known in self._known:
            text = text.replace(known, _HIDDEN)
        text = _IN_ADDRESS.sub(rf"\1{_HIDDEN}", text)
        return _IN_SETTINGS.sub(rf"\1{_HIDDEN}", text)


def _secret_parts(value: str) -> Iterator[str]:
    """The whole, and what tools show alone: a password in an address, each of several lines, each setting in them."""
    yield value
    yield from (found.group(2) for found in _IN_ADDRESS.finditer(value))
    yield from (found.group(2).strip("'") for found in _IN_SETTINGS.finditer(value))
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines)
        yield from (found.group(1) for line in lines if (found := _SETTING.fullmatch(line)))


def _forms(part: str) -> set[str]:
    """How a tool may write it: as it is, percent-decoded, percent-encoded, escaped for JSON."""
    return {
        part,
        unquote(part),
        quote(part, safe="", errors="surrogatepass"),
        json.dumps(part)[1:-1],
        json.dumps(part, ensure_ascii=False)[1:-1],
    }
