"""Stock tools asked about many paths at once, through nothing but a `Runner`.

Paths go in by standard input and answers come out in base64, for names need not be text, and there may be more of them
than a command line holds. What the tools complain about comes with the answer, as it must be told file by file.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from backstay.domain.errors import SourceFailed
from backstay.ports.progress import Progress
from backstay.ports.runner import Command, Runner

_SCRIPT = r"""
export LC_ALL=C
{ exec 3>&1; said=$(xargs -0 -r %s 2>&1 >&3 3>&-); printf '\0%%s\0%%s' "$?" "$said"; } | base64 -w 65532
"""
_ALL_GOOD, _SOME_FAILED = b"0", b"123"
"""Source: xargs(1), exit status; 123 if a command it ran ended with 1 to 125."""

_PIECE = 1 << 20
_COMPLAINT = re.compile(r"find: (?:File system loop detected; )?'((?:[^'\\]|\\.)*)'(?:: | is )(.*)")
"""Source: findutils 4.9 in the C locale, where every odd byte of a name is written as an escape."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the tools wrote, and the lines in which they complained."""

    out: bytes
    complaints: list[str]

    def fields(self) -> Iterator[str]:
        """The output in its parts, each of which ended with a NUL; cut as they are asked for, since there are many."""
        rest = b""
        for at in range(0, len(self.out), _PIECE):
            *parts, rest = (rest + self.out[at : at + _PIECE]).split(b"\0")
            yield from map(os.fsdecode, parts)


def ask(runner: Runner, program: Sequence[str], paths: Iterable[str], progress: Progress) -> Answer:
    """Run `program` with `paths` as further arguments, as often as it takes.

    Raises: SourceFailed if it could not be run, or did not come to its end.
    """
    script = _SCRIPT % shlex.join(program)
    pieces: list[bytes] = []
    done = runner.run(
        Command(("sh", "-c", script)),
        progress,
        on_line=lambda line: pieces.append(base64.b64decode(line)),
        feed=_listed(paths),
    )
    # The complaints come last and hold no NUL, nor does the status before them.
    rest, _, said = b"".join(pieces).rpartition(b"\0")
    out, _, status = rest.rpartition(b"\0")
    if done.status != 0 or status not in (_ALL_GOOD, _SOME_FAILED):
        told = said.decode(errors="backslashreplace") or done.err
        raise SourceFailed(f"{program[0]} did not end well on the machine of the source", hint=f"It said: {told}")
    return Answer(out, said.decode(errors="backslashreplace").splitlines())


def missing_programs(runner: Runner, programs: Sequence[str], progress: Progress) -> list[str]:
    """Those that are not on that machine."""
    script = 'for one; do command -v "$one" >/dev/null || echo "$one"; done'
    return runner.run(Command(("sh", "-c", script, "sh", *programs)), progress).out.split()


def complained(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Path and reason of each complaint of find's.

    Raises: SourceFailed at one that names no path: then nobody knows what is missing.
    """
    for line in lines:
        found = _COMPLAINT.fullmatch(line)
        if found is None:
            raise SourceFailed(
                f"the source cannot be listed: {line}", hint="Its machine needs GNU findutils and coreutils."
            )
        yield unescaped(found[1].encode()), found[2]


def unescaped(name: bytes) -> str:
    """A name in which a tool wrote odd bytes as backslash escapes.

    >>> unescaped(rb"two\\nlines\\134")
    'two\\nlines\\\\'
    """
    return os.fsdecode(name.decode("unicode_escape").encode("latin-1"))


def _listed(paths: Iterable[str]) -> Iterator[bytes]:
    for path in paths:
        yield os.fsencode(path) + b"\0"
