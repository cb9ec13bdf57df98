"""The text of a starter estate: what was found, and comments that teach the words."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from zoneinfo import available_timezones

from .machine import Found

_LONGEST_NAME = 40

_HEAD = """\
# What this machine holds, and what each part is owed. Made by `backstay init`; from now on it is yours.
#
#   backstay check         is this file sound, and what could be better?
#   backstay plan          what runs when, and why
#   backstay run --all     take restore points now; from cron: backstay run --due
#   backstay drill --all   restore each into a throwaway place, and prove it
#
"""

_MIDDLE = """\

targets:
  # Another disk, better another machine: a copy beside its source dies with it.
  vault: {{url: {target}}}

policies:
  # How much may be lost and how long points are kept are two things; neither follows from the other.
  standard:
    rpo: 24h                 # at most this much may be lost: a point is taken at least so often
    rto: 4h                  # it must be back within this time; drills measure it
    keep: {{daily: 14, weekly: 8, monthly: 12}}   # how long points stay; this version still keeps all
    drill: monthly           # how often a restore is proven

workloads:
"""

_TAUGHT = {
    "files": """\
  # Folders, with all that is in them. A database is better named for itself: copied as plain files while it
  # is written to, it may not open again. `exclude: ["*.tmp"]` leaves out what need not come back.
""",
    "postgresql": """\
  # PostgreSQL, one workload for each database: a dump under one snapshot, with the roles it needs.
  # No password stands in this file: write dsn: "env:NAME" or "file:/path" where one is needed.
""",
    "sqlite": """\
  # SQLite, copied through one read transaction, whoever writes to it meanwhile.
""",
}
_KEYS = {"files": "paths", "sqlite": "path", "postgresql": "dsn"}


@dataclass(frozen=True, slots=True)
class Starter:
    """What the file is made of; `state` is None where there is no home folder to keep it in."""

    estate: str
    target: str
    state: str | None
    found: tuple[Found, ...]


def text_of(starter: Starter) -> str:
    """The whole file."""
    parts = [_HEAD, *_where_keys_lie(starter.state), f"estate: {starter.estate}\n", f"timezone: {_timezone()}\n"]
    parts += [_MIDDLE.format(target=quoted(starter.target)), *_workloads(starter.found)]
    return "".join(parts)


def _where_keys_lie(state: str | None) -> Iterator[str]:
    if state is None:
        yield "# There is no home folder here: set BACKSTAY_STATE to a folder that lasts. It will hold the records,\n"
        yield "# and the keys of the repositories, in keys/.\n"
    else:
        yield f"# The keys of the repositories will lie in {printable(os.path.join(state, 'keys'))}.\n"
    yield "# Nobody can read a copy without its key: keep a second copy of that folder in another place.\n"


def _workloads(found: tuple[Found, ...]) -> Iterator[str]:
    for kind, taught in _TAUGHT.items():
        these = [each for each in found if each.kind == kind]
        if these:
            yield taught
            yield from map(_line, these)


def _line(found: Found) -> str:
    where = quoted(found.where)
    pointer = f"[{where}]" if found.kind == "files" else where
    exclude = f", exclude: [{', '.join(map(quoted, found.exclude))}]" if found.exclude else ""
    body = f"{{kind: {found.kind}, {_KEYS[found.kind]}: {pointer}{exclude}, policy: standard}}"
    remark = f"   # {found.remark}" if found.remark else ""
    return f"  {'' if found.proposed else '# '}{quoted(found.workload)}: {body}{remark}\n"


def _timezone() -> str:
    """This machine's, if it has a name."""
    zone = os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2]
    return zone if zone in available_timezones() else "UTC"


def names_of(found: Iterable[Found]) -> Iterator[Found]:
    """The same with names that the file may use, each once."""
    taken: set[str] = set()
    for each in found:
        name = unique = name_of(each.workload) or each.kind
        number = 1
        while unique in taken:
            number += 1
            unique = f"{name}-{number}"
        taken.add(unique)
        yield replace(each, workload=unique)


def name_of(text: str) -> str:
    """The text as a name: small letters without accents, digits, `.`, `_` and `-`.

    >>> name_of("Müller & Söhne"), name_of("...")
    ('muller-sohne', '')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")[:_LONGEST_NAME].rstrip("-._")


def quoted(text: str) -> str:
    """A YAML string that stands as it is, or in double quotes.

    >>> print(quoted("/srv/crm"), quoted('a "b"'))
    /srv/crm "a \\"b\\""
    """
    if re.fullmatch(r"[A-Za-z/][A-Za-z0-9_./-]*", text):
        return text
    return '"' + printable(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def printable(text: str) -> str:
    """On one line, with YAML's escapes for what cannot be seen."""
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in text)
