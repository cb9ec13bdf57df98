"""YAML text becomes nodes. Read from the parser's events, so that no tag or alias can do anything by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from backstay.domain.findings import Finding

from .findings import quoted, wrong
from .nodes import Entry, Keyed, Node, Path, Scalar, Sequence

DEEPEST = 20
"""More levels than the grammar has, and few enough for any stack."""
MOST_COPIED = 10_000
"""So many values may stand in a file through aliases; more is a file made to fill memory."""


class NotReadable(Exception):
    """The text is not one YAML document; the finding says why."""

    def __init__(self, problem: str, line: int | None) -> None:
        super().__init__(problem)
        self.finding = wrong("file", (), problem, line)


def read(text: str) -> tuple[Node, list[Finding]]:
    """The one document in `text`, and what is wrong with its form.

    Raises: NotReadable if no document can be made of it.
    """
    try:
        return _Composer(YAML(typ="safe", pure=True).parse(text)).document()
    except ReaderError as error:
        raise NotReadable("a control character, which YAML does not allow", _line(text, error.position)) from error
    except MarkedYAMLError as error:
        raise NotReadable(_problem(error), _error_line(error)) from error
    except (OverflowError, ValueError) as error:  # an escape for a character beyond Unicode
        raise NotReadable("an escape that stands for no character", None) from error


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _error_line(error: MarkedYAMLError) -> int | None:
    """What never ends is wrong where it began."""
    endless = "end of stream" in str(error.problem) or "stream end" in str(error.problem)
    marks = (error.context_mark, error.problem_mark) if endless else (error.problem_mark, error.context_mark)
    mark = marks[0] or marks[1]
    return mark.line + 1 if mark else None


def _problem(error: MarkedYAMLError) -> str:
    problem = str(error.problem)
    if "'\\t'" in problem:
        return "a tab; indent with spaces"
    if "mapping values are not allowed" in problem:
        return "a ':' that cannot be understood here; quote the text, or look at the indentation"
    if "alias" in str(error.context):
        return "a text that begins with '*'; quote it"
    begun = f" (begun in line {error.context_mark.line + 1})" if error.context_mark else ""
    return f"not YAML: {problem}{f' {error.context}{begun}' if error.context else ''}"


class _Composer:
    """Builds nodes from events, one event at a time."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._copied = 0
        self._count = 0
        self.findings: list[Finding] = []

    def document(self) -> tuple[Node, list[Finding]]:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                if root is not None:
                    raise NotReadable("a second document begins; keep one", event.start_mark.line + 1)
                root = self._node(next(self._events), ())
        if root is None or (isinstance(root, Scalar) and root.empty):
            raise NotReadable("the file is empty; backstay init writes one to start from", 1)
        if not isinstance(root, Keyed):
            raise NotReadable("the file begins with a value, but keys such as 'estate:' are wanted", root.line)
        return root, self.findings

    def _node(self, event: Any, path: Path) -> Node:
        line = event.start_mark.line + 1
        if len(path) > DEEPEST:
            raise NotReadable("nested too deep", line)
        if isinstance(event, AliasEvent):
            return self._alias(event.anchor, line)
        if event.tag is not None:
            self._wrong(path, "tags such as !include are not read; write the value itself", line)
        before = self._count
        node = self._built(event, path, line)
        self._count += 1
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, self._count - before)
        return node

    def _built(self, event: Any, path: Path, line: int) -> Node:
        if isinstance(event, MappingStartEvent):
            return self._keyed(path, line)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path, line)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, path, line)
        raise NotReadable("not YAML that can be understood", line)

    def _alias(self, anchor: str, line: int) -> Node:
        if anchor not in self._anchors:
            raise NotReadable("a text that begins with '*' and is no known alias; quote it", line)
        node, size = self._anchors[anchor]
        self._copied += size
        self._count += size
        if self._copied > MOST_COPIED:
            raise NotReadable(f"aliases that stand for more than {MOST_COPIED} values", line)
        return node

    def _scalar(self, event: Any, path: Path, line: int) -> Scalar:
        text: str = event.value
        if any((char < " " and char not in "\n\t") or "\ud800" <= char <= "\udfff" for char in text):
            self._wrong(path, "holds a control character", line)
            text = text.encode("ascii", "ignore").decode().translate(dict.fromkeys(range(32), " "))
        return Scalar(text, event.style is None, line)

    def _sequence(self, path: Path, line: int) -> Sequence:
        items: list[Node] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return Sequence(tuple(items), line)

    def _keyed(self, path: Path, line: int) -> Keyed:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._node(event, path)
            name = key.text if isinstance(key, Scalar) else ""
            key_line = event.start_mark.line + 1
            value = self._node(next(self._events), (*path, name))
            self._key(entries, key, path)
            entries.setdefault(name, Entry(key_line, value))
        return Keyed(entries, line)

    def _key(self, entries: dict[str, Entry], key: Node, path: Path) -> None:
        if not isinstance(key, Scalar) or key.empty:
            self._wrong(path, "a key must be a word", key.line)
        elif key.text == "<<":
            self._wrong(path, "merging with '<<' is not read; write the keys out", key.line)
        elif key.text in entries:
            first = entries[key.text].line
            self._wrong(path, f"{quoted(key.text)} is given twice, first in line {first}", key.line)

    def _wrong(self, path: Path, problem: str, line: int) -> None:
        self.findings.append(wrong("file", path, problem, line))
