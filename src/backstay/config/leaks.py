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
    r"(?:password|passwd|mysql_pwd|passphrase|secret|token|(?:api|access|secret)[_-]?key)\s*=\s*[^\s$&]", re.IGNORECASE
)
_OPTION = re.compile(r"--?(?:password|passwd|passphrase|secret|token)", re.IGNORECASE)
_MYSQL = re.compile(r"(?:^|/)(?:mysql|mariadb)[a-z-]*$")
_PROSE = frozenset({"query", "reason", "name"})


def holds_password(text: str) -> bool:
    """Whether the text looks as if a password were written in it."""
    return bool(_IN_URL.search(text) or _ASSIGNED.search(text))


def passwords(root: Node) -> Iterator[tuple[Path, int]]:
    """Where the file holds a password in the clear, with the line."""
    for path, scalar in scalars(root):
        leaks = _IN_URL.search(scalar.text) if path and path[-1] in _PROSE else holds_password(scalar.text)
        if leaks or _is_argument(root, path):
            yield path, scalar.line


def _is_argument(root: Node, path: Path) -> bool:
    """Whether it is an argument that a program takes for a password: `--password x`, or `-px` of MySQL's tools."""
    words = at(root, path[:-1])
    place = path[-1] if path else 0
    if not isinstance(words, Sequence) or not isinstance(place, int) or place == 0:
        return False
    program, before, word = (_word(words.items[index]) for index in (0, place - 1, place))
    if word.startswith("-"):
        return bool(_MYSQL.search(program)) and re.match("-p[^$]", word) is not None
    return _OPTION.fullmatch(before) is not None and not word.startswith("$")


def _word(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else ""


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
