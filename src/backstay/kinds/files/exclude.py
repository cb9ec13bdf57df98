"""What an exclude pattern of restic's matches.

Source: restic 0.14, internal/filter and Go's path/filepath.Match; held against the real program in the tests.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from backstay.domain.errors import ConfigError

_ANY_FOLDERS = "(?:/[^/]+)*"

Excluder = Callable[[str], bool]
"""Asked about an absolute path: is it left out? What is excluded is excluded with all that lies beneath."""


def matches(pattern: str, path: str) -> bool:
    """Whether `pattern` alone excludes the absolute `path`, itself or by a folder above it.

    >>> matches("*.tmp", "/srv/a.tmp/b"), matches("/a", "/srv/a"), matches("srv/**/b", "/srv/x/y/b")
    (True, False, True)
    """
    excluded = excluder((pattern,))
    return excluded is not None and excluded(path)


@lru_cache(maxsize=256)
def excluder(patterns: tuple[str, ...]) -> Excluder | None:
    """All of `patterns` together; None if they exclude nothing. `!` takes back what the patterns before it excluded."""
    rules = [(one.startswith("!"), _expression(one.removeprefix("!"))) for one in patterns if one]
    if not any(takes_back for takes_back, _ in rules):
        whole = re.compile("|".join(expression for _, expression in rules), re.DOTALL)
        return (lambda path: whole.fullmatch(path) is not None) if rules else None
    compiled = [(takes_back, re.compile(expression, re.DOTALL)) for takes_back, expression in rules]
    return lambda path: _last_word(compiled, path)


def malformed(patterns: Iterable[str]) -> list[str]:
    """Those that cannot be read. Restic refuses them, or ignores them if the fault lies behind a `*`."""
    return [pattern for pattern in patterns if not _is_readable(pattern)]


def _last_word(rules: list[tuple[bool, re.Pattern[str]]], path: str) -> bool:
    excluded = False
    for takes_back, expression in rules:
        if takes_back is excluded and expression.fullmatch(path):
            excluded = not excluded
    return excluded


def _is_readable(pattern: str) -> bool:
    try:
        _expression(pattern.removeprefix("!"))
    except ConfigError:
        return False
    return True


def _expression(pattern: str) -> str:
    """What all of a path must match to be named by `pattern`, or to lie beneath what is."""
    clean = posixpath.normpath(pattern)
    rooted = clean.startswith("/")
    parts = [part for part in clean.split("/") if part]
    if not any(part != "**" for part in parts):
        return "/" if not parts else "/.*" if rooted else "/.+"
    left = range(len(parts) - 1, -1, -1)
    body = "".join(
        _any_folders(after, rooted) if part == "**" else f"/{_component(part, pattern)}"
        for part, after in zip(parts, left, strict=True)
    )
    return f"{'' if rooted else _ANY_FOLDERS}{body}(?:/.*)?"


def _any_folders(after: int, rooted: bool) -> str:
    """`**`. In an anchored pattern, restic lets it match only if the path has a name for each of the parts `after` it,
    a further `**` counted as one."""
    return f"{_ANY_FOLDERS}(?=(?:/[^/]+){{{after}}})" if rooted and after else _ANY_FOLDERS


def _component(text: str, pattern: str) -> str:
    """One component of a pattern as an expression: `*`, `?`, `[a-z]`, `[^a]`, a backslash before a plain character."""
    out, at = [], 0
    while at < len(text):
        letter = text[at]
        if letter == "[":
            piece, at = _character_class(text, at + 1, pattern)
        elif letter == "\\":
            piece, at = re.escape(_escaped(text, at + 1, pattern)), at + 2
        else:
            piece, at = {"*": "[^/]*", "?": "[^/]"}.get(letter) or re.escape(letter), at + 1
        out.append(piece)
    return "".join(out)


def _character_class(text: str, at: int, pattern: str) -> tuple[str, int]:
    """What stands between brackets, from `at` on, and where it has ended."""
    negated = text[at : at + 1] == "^"
    at += negated
    ranges: list[str] = []
    while text[at : at + 1] != "]" or not ranges:
        low, at = _bound(text, at, pattern)
        high = low
        if text[at : at + 1] == "-":
            high, at = _bound(text, at + 1, pattern)
        ranges.append(f"{re.escape(low)}-{re.escape(high)}" if low <= high else "")
    inside = "".join(ranges)
    if not inside:  # a range that runs backwards holds nothing
        return ("[^/]" if negated else "(?!)"), at + 1
    return f"(?!/)[{'^' if negated else ''}{inside}]", at + 1


def _bound(text: str, at: int, pattern: str) -> tuple[str, int]:
    letter = text[at : at + 1]
    if letter == "\\":
        return _escaped(text, at + 1, pattern), at + 2
    if letter in ("", "-", "]"):
        raise _unreadable(pattern)
    return letter, at + 1


def _escaped(text: str, at: int, pattern: str) -> str:
    if at >= len(text):
        raise _unreadable(pattern)
    return text[at]


def _unreadable(pattern: str) -> ConfigError:
    return ConfigError(
        f"the exclude pattern {pattern!r} cannot be read", hint="A bracket is not closed, or a backslash stands last."
    )
