"""What a YAML file says, with the line of every key and value. Every value stays the text that was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as written; `plain` when it stands there without quotes."""

    text: str
    plain: bool
    line: int

    @property
    def empty(self) -> bool:
        """Whether nothing is said: `key:` or `key: null`."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    """The value under a key, and the line of the key."""

    line: int
    value: Node


@dataclass(frozen=True, slots=True)
class Keyed:
    """A mapping, in the order of the file."""

    entries: Mapping[str, Entry]
    line: int


Node = Scalar | Sequence | Keyed


def plain(node: Node) -> Any:
    """The node as dicts, lists and texts; keys that say nothing are left out."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(entry.value) for key, entry in node.entries.items() if not _empty(entry.value)}


def _empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.empty


def scalars(node: Node, path: Path = ()) -> Iterator[tuple[Path, Scalar]]:
    """Every value below, with its path, in the order of the file."""
    if isinstance(node, Scalar):
        yield path, node
    for part, child in children(node):
        yield from scalars(child, (*path, part))


def children(node: Node) -> Iterator[tuple[str | int, Node]]:
    """What lies directly in a list or mapping, by index or key."""
    if isinstance(node, Keyed):
        yield from ((key, entry.value) for key, entry in node.entries.items())
    elif isinstance(node, Sequence):
        yield from enumerate(node.items)


def line_of(root: Node, path: Path, *, key: bool = False) -> int:
    """The line of the value at `path`, or of its `key`; of the nearest thing around it if it is not there."""
    node, line = root, root.line
    for depth, part in enumerate(path):
        entry = _step(node, part)
        if entry is None:
            return line
        node, line = entry.value, entry.line
        if not (key and depth == len(path) - 1) and isinstance(node, Scalar):
            line = node.line
    return line


def at(root: Node, path: Path) -> Node | None:
    """The node at `path`."""
    node: Node = root
    for part in path:
        entry = _step(node, part)
        if entry is None:
            return None
        node = entry.value
    return node


def _step(node: Node, part: str | int) -> Entry | None:
    if isinstance(node, Keyed) and isinstance(part, str):
        return node.entries.get(part)
    if isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
        return Entry(node.items[part].line, node.items[part])
    return None


def dotted(path: Path) -> str:
    """The path as messages write it: `workloads.crm-db.ask[0].expect`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
