"""Every effective value, as text, with the place that it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from backstay.domain.spans import span_text

from .estate_file import EstateFile
from .nodes import Keyed, Node, Path, Scalar, Sequence, children, dotted

DEFAULT = "default"
_NOTHING_SET = {
    "copies": "the first target",
    "days": "every day",
    "host": "this machine",
    "keep": "everything",
    "regions": "anywhere",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """One effective value as an estate file would write it, and where it came from: `estate.yaml:14` or `default`."""

    text: str
    place: str


def origins(file: EstateFile, root: Node, path: str) -> Mapping[str, Origin]:
    """By dotted path, in the order of the grammar."""
    return {
        dotted(where): Origin(text, DEFAULT if line is None else f"{path}:{line}")
        for where, text, line in _all(file, root, ())
    }


Effective = tuple[Path, str, int | None]


def _all(value: Any, node: Node | None, path: Path) -> Iterator[Effective]:
    """What a value holds: by what the file says of it, else by its defaults."""
    if isinstance(value, BaseModel):
        for key in type(value).model_fields:
            yield from _all(getattr(value, key), _child(node, key), (*path, key))
    elif isinstance(node, Scalar):
        yield path, node.text, node.line
    elif isinstance(node, Sequence) and all(isinstance(item, Scalar) for item in node.items):
        yield path, f"[{', '.join(item.text for item in node.items if isinstance(item, Scalar))}]", node.line
    elif node is not None:
        for part, child in children(node):
            yield from _all(_inside(value, part), child, (*path, part))
    else:
        yield path, default_text(str(path[-1]), value), None


def _child(node: Node | None, key: str) -> Node | None:
    entry = node.entries.get(key) if isinstance(node, Keyed) else None
    return entry.value if entry else None


def _inside(value: Any, part: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    return value[part] if isinstance(value, tuple) and isinstance(part, int) else None


def default_text(key: str, value: Any) -> str:
    """A default as the file would write it, or in words where nothing is set."""
    match value:
        case None | () | {}:
            return _NOTHING_SET.get(key, "none")
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.0%}"
        case timedelta():
            return span_text(value)
    return str(value)
