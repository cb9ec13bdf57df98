"""JSON documents and error texts: the form in which everything leaves the program."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from backstay.domain.errors import BackstayError


def emit(document: str) -> None:
    """Write a document to standard output."""
    sys.stdout.write(document)


def document(name: str, estate: str | None, at: datetime, **content: Any) -> str:
    """One JSON document: `schema`, `estate`, `at`, and the content."""
    return as_json({"schema": f"backstay/{name}/1", "estate": estate, "at": at, **content})


def as_json(value: Any) -> str:
    """Indented JSON with a line end; times in UTC ending in Z, spans in seconds.

    >>> as_json({"at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}).split()
    ['{', '"at":', '"2026-01-02T03:04:05.000Z"', '}']
    """
    return json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n"


def plain(value: Any) -> Any:
    """The value in terms of JSON alone."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, str):
        # A name that is not UTF-8 is carried as surrogates, which no JSON reader takes.
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def printable(text: str) -> str:
    r"""One line that a terminal shows and does not obey: names of files may hold anything.

    >>> print(printable("caf\u00e9 \x1b[31m"))
    café \x1b[31m
    """
    text = text.replace("\t", " ")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def folded(line: str, room: int) -> list[str]:
    """Lines no wider than `room`, broken between words; a path or a name that is wider stays whole."""
    return textwrap.wrap(line, max(room, 1), break_long_words=False, break_on_hyphens=False) or [""]


def error_document(error: BackstayError) -> str:
    """The document that stands in for the one asked for."""
    return as_json(
        {
            "schema": "backstay/error/1",
            "error": {
                "code": error.code,
                "message": error.message,
                "subject": error.subject,
                "hint": error.hint,
                "path": error.path,
                "line": error.line,
            },
        }
    )


def error_text(error: BackstayError, width: int | None = None) -> str:
    """The error in one line, its hint below; folded to `width` if there is one."""
    place = f"{error.path}:{error.line}  " if error.path and error.line else f"{error.path}  " if error.path else ""
    lines = [("", line) for line in (place + error.message).splitlines()]
    lines += [("  ", line) for line in (error.hint or "").splitlines()]
    return "".join(
        f"{indent}{part}\n"
        for indent, line in lines
        for part in (folded(printable(line), width - len(indent)) if width else [printable(line)])
    )
