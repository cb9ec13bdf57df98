"""How places, addresses and references to secrets are written; read as `values` are."""

from __future__ import annotations

import re
import shlex
from typing import Any, cast

from backstay.domain.secrets import Scheme, SecretRef

from .findings import quoted
from .leaks import REFERENCE
from .values import matched, text

PLACE = r"/.*|[a-z][a-z0-9+.-]*:.+"
SSH = r"ssh://([A-Za-z_][A-Za-z0-9_.-]*@)?([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?\])(:[0-9]{1,5})?"

_LAST_PORT = 65535
_REFERENCES = {
    "env": r"[A-Za-z_][A-Za-z0-9_]*",
    "file": r"/.+",
    "cmd": r"\s*\S.*",
    "keyring": r"[^/]+/.+",
}


def absolute_path(value: Any) -> str:
    """A path from the root."""
    written = text(value)
    if not written.startswith("/"):
        raise ValueError(f"{quoted(written)} is not an absolute path; begin with /")
    return written


def place(value: Any) -> str:
    """Where a target lies: an absolute path or a URL."""
    return matched(PLACE, value, "an absolute path or a URL")[0]


def ssh_address(value: Any) -> str:
    """How a host is reached; its user and port may be left to ssh's own configuration."""
    match = matched(SSH, value, "an address; write ssh://user@host or ssh://user@host:22")
    if match[4] is not None and not 0 < int(match[4][1:]) <= _LAST_PORT:
        raise ValueError(f"{quoted(match[0])} has no port of TCP; write one from 1 to {_LAST_PORT}")
    return match[0]


def reference(value: Any) -> SecretRef:
    """A reference to a secret. Never shows what stands there instead, for that may be the secret."""
    found = _reference(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"is not a reference to a secret; write {REFERENCE}")
    return found


def _reference(written: str) -> SecretRef | None:
    scheme, _, rest = written.partition(":")
    if re.fullmatch(_REFERENCES.get(scheme, "(?!)"), rest) is None or (scheme == "cmd" and not _is_argv(rest)):
        return None
    return SecretRef(cast(Scheme, scheme), rest)


def _is_argv(line: str) -> bool:
    try:
        return bool(shlex.split(line))
    except ValueError:
        return False


def database(value: Any) -> SecretRef | str:
    """A reference to a whole address, or an address without password."""
    written = value if isinstance(value, str) else ""
    found = _reference(written)
    if found is not None:
        return found
    if re.match(r"(postgres(ql)?|mysql|mariadb)://|[a-z_]+\s*=", written):
        return written
    raise ValueError(f"is neither a reference nor an address; write {REFERENCE}, or postgresql:///name")


def catalog(value: Any) -> Any:
    """`sqlite`, or a reference to an address."""
    return value if value == "sqlite" else reference(value)


def network_address(value: Any) -> str:
    """Where a server listens: `host:port`, a socket's path or a URL."""
    return matched(r"/\S+|([a-z]+://)?[^@\s]+(:[0-9]+)?(/[0-9]*)?", value, "an address; write 127.0.0.1:6379")[0]


def file_name(value: Any) -> str:
    """A name for one file, without folders."""
    written = text(value)
    if "/" in written or written in (".", "..") or len(written.encode()) > 255:
        raise ValueError(f"{quoted(written)} is not a file name; leave the folders out")
    return written
