"""Findings about an estate file: where, and what is wrong with it."""

from __future__ import annotations

from difflib import get_close_matches

from backstay.domain.findings import Finding, Severity

from .leaks import holds_password
from .nodes import Path, dotted

CODES = {
    "file": "the file cannot be read, or is not YAML",
    "unknown-key": "a key that the grammar does not know",
    "missing": "a key that must be there is not",
    "value": "a value that is not what its key wants",
    "unknown-name": "a name that nothing in the file has",
    "cycle": "workloads that wait for one another",
    "conflict": "two values that cannot both hold",
    "secret": "a password in the file, or one that others can read",
    "not-yet": "right, but this version does not act on it yet",
}

_LONGEST = 60


def wrong(code: str, path: Path, problem: str, line: int | None, *, severity: Severity = "error") -> Finding:
    """A finding at `path`, told in one line."""
    place = dotted(path)
    safe = "…" if holds_password(place) else place if place.isprintable() else ascii(place)[1:-1]
    return Finding(code, severity, safe, f"{safe}: {problem}" if place else problem, line=line)


def quoted(text: str) -> str:
    """A text from the file as messages show it: short, on one line, and never a password."""
    return "a text that holds a password" if holds_password(text) else f"'{_fitting(text)}'"


def _fitting(text: str) -> str:
    if holds_password(text):
        return "…"
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def suggestion(word: str, known: list[str] | tuple[str, ...]) -> str:
    """What to add behind an unknown word: the nearest known one, or what there is."""
    close = get_close_matches(word[:_LONGEST], known, n=1)
    if close:
        return f"; did you mean {quoted(close[0])}?"
    return f"; there are {', '.join(map(_fitting, known[:10]))}" if known else ""
