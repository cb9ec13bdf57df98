"""What is inside entries, by stock tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blake3 import blake3

from backstay.ports.progress import Progress
from backstay.ports.runner import Runner

from .asking import ask, unescaped
from .listing import Seen, look
from .manifest import State
from .tree import Entry
from .trees import Content

PATIENCE_S = 120.0
_SLOWEST_BYTES_PER_S = 4_000_000
_ATTRIBUTES = r"^(user\.|security\.|system\.posix_acl_)"


def digests(runner: Runner, entries: Mapping[str, Entry], patience_s: float, progress: Progress) -> dict[str, bytes]:
    """The SHA-256 of the files among `entries` that could be read.

    A pipe that took the place of a file since it was seen would be waited for without end. So reading has its time,
    and what was not reached by then counts as unreadable.
    """
    files = {path: entry.size for path, entry in entries.items() if entry.is_file}
    if not files:
        return {}
    limit = patience_s + sum(files.values()) / _SLOWEST_BYTES_PER_S
    program = ("timeout", "-k", "5", f"{limit:.0f}", "sha256sum", "-z", "--")
    found = ask(runner, program, files, progress).fields()
    progress.moved(sum(files.values()))
    return {path: bytes.fromhex(digest) for digest, _, path in (one.partition("  ") for one in found)}


def attributes(runner: Runner, entries: Mapping[str, Entry], progress: Progress) -> dict[str, dict[str, str]]:
    """Extended attributes that belong to the data, of those entries that have any; as `content.attributes`."""
    paths = [path for path, entry in entries.items() if not entry.is_link]
    if not paths:
        return {}
    program = ("getfattr", "-d", "-h", "--absolute-names", "-e", "hex", "-m", _ATTRIBUTES, "--")
    return dict(_blocks(ask(runner, program, paths, progress).out))


def looks(runner: Runner, entries: Mapping[str, Entry], progress: Progress) -> dict[str, Seen]:
    """The files and links among `entries` as they are now."""
    paths = [path for path, entry in entries.items() if entry.is_file or entry.is_link]
    if not paths:
        return {}
    _, found = look(runner, paths, progress, beneath=False)
    return {seen.path: seen for seen in found}


def content(
    path: str,
    entry: Entry,
    digests: Mapping[str, bytes],
    attributes: Mapping[str, Mapping[str, str]],
    now: Mapping[str, Seen],
) -> Content:
    """What was inside `entry`, if it still was that entry after everything had been read."""
    if not (entry.is_file or entry.is_link):
        return Content(State.KNOWN, attributes=attributes.get(path))
    seen = now.get(path)
    if seen is None or seen.entry != entry:
        return Content(State.CHANGED)
    if entry.is_link:
        return Content(State.KNOWN, target=seen.target)
    if path not in digests:
        return Content(State.UNREADABLE)
    return Content(State.KNOWN, digests[path], None, attributes.get(path))


def _blocks(out: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    """One for each file that has attributes: a line with its name, then a line for each of them.

    Source: getfattr(1) of attr 2.5; line ends, backslashes and equals signs in names are written as escapes.
    """
    for block in filter(None, out.split(b"\n\n")):
        first, *lines = block.split(b"\n")
        pairs = (line.partition(b"=0x") for line in lines)
        values = {unescaped(name): bytes.fromhex(value.decode()) for name, _, value in pairs}
        yield (
            unescaped(first.removeprefix(b"# file: ")),
            {name: blake3(value).hexdigest(16) for name, value in values.items()},
        )
