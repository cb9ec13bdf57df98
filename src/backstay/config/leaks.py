"""Secrets that stand where only references belong."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from os import stat as status_of

from .nodes import Node, Path, Scalar, Sequence, at, scalars

REFERENCE = "env:NAME, file:/path, cmd:program or keyring:service/user"
SECRET_KEYS = frozenset({"password", "credentials", "dsn", "catalog"})

# Anything between a user and an @ is a password, unless it is a port and the @ belongs to a path.
_IN_URL = re.compile(r"://[^\s/@:]*:(?!\d{1,5}/)[^\s@]+@")
# A `$` begins a shell's variable, which is a reference of its own.
_ASSIGNED = re.compile(
    r"(?:password|passwd|passphrase|secret|token|(?:api|access|secret)[_-]?key)\s*=\s*[^\s$&]", re.IGNORECASE
)
_OPTION = re.compile(r"--?(?:password|passwd|passphrase|secret|token)", re.IGNORECASE)
_PROSE = frozenset({"query", "reason", "name"})


def holds_password(text: str) -> bool:
    """Whether the text looks as if a password were written in it."""
    return bool(_IN_URL.search(text) or _ASSIGNED.search(text))


def passwords(root: Node) -> Iterator[tuple[Path, int]]:
    """Where the file holds a password in the clear, with the line."""
    for path, scalar in scalars(root):
        leaks = _IN_URL.search(scalar.text) if path and path[-1] in _PROSE else holds_password(scalar.text)
        if leaks or _follows_option(root, path):
            yield path, scalar.line


def _follows_option(root: Node, path: Path) -> bool:
    if not path or not isinstance(path[-1], int) or path[-1] == 0:
        return False
    words = at(root, path[:-1])
    if not isinstance(words, Sequence):
        return False
    before, word = words.items[path[-1] - 1], words.items[path[-1]]
    if not isinstance(before, Scalar) or not isinstance(word, Scalar):
        return False
    return bool(_OPTION.fullmatch(before.text)) and not word.text.startswith(("-", "$"))


def open_files(root: Node) -> Iterator[tuple[Path, int, str, int]]:
    """Secret files that others can read: path in the estate, line, file name and mode."""
    for path, scalar in scalars(root):
        if path and path[-1] in SECRET_KEYS and scalar.text.startswith("file:/"):
            name = scalar.text.removeprefix("file:")
            mode = _mode(name)
            if mode is not None and mode & 0o077:
                yield path, scalar.line, name, mode


def _mode(name: str) -> int | None:
    try:
        return stat.S_IMODE(status_of(name).st_mode)
    except OSError:
        return None
