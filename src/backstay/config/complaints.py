"""What pydantic says about a file, said so that its author can act."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from backstay.domain.findings import Finding

from .estate_file import EstateFile, section_at
from .findings import quoted, suggestion, wrong
from .grammar import Misplaced
from .nodes import Node, Path, Scalar, Sequence, at, line_of
from .workloads import KINDS


def validated(raw: Any, root: Node, empty: set[Path]) -> tuple[EstateFile | None, list[Finding]]:
    """The file by its grammar, or everything in which it is not; keys at `empty` have been named already."""
    try:
        return EstateFile.model_validate(raw), []
    except ValidationError as error:
        return None, list(_findings(error, root, empty))


def _findings(error: ValidationError, root: Node, empty: set[Path]) -> Iterator[Finding]:
    complaints = [_Complaint(root, detail) for detail in error.errors(include_url=False, include_input=False)]
    # A misspelt key is one mistake, although the key that was meant is then missing.
    meant = {complaint.meant() for complaint in complaints}
    for complaint in complaints:
        if not (complaint.kind == "missing" and (complaint.path in meant or complaint.path in empty)):
            yield complaint.finding()


class _Complaint:
    """One of pydantic's errors, with the path as the file has it."""

    def __init__(self, root: Node, detail: Any) -> None:
        loc = list(detail["loc"])
        self.kind: str = detail["type"]
        self.workload_kind = None
        self.of_key = loc[-1:] == ["[key]"]
        if loc[:1] == ["workloads"] and len(loc) > 2 and loc[2] in KINDS:
            self.workload_kind = loc.pop(2)
        self.path: Path = tuple(loc[:-1] if self.of_key else loc)
        self._root = root
        self._context = detail.get("ctx", {})
        self._message: str = detail["msg"]

    def meant(self) -> Path | None:
        """For an unknown key, the path of the key that was meant."""
        close = re.search("did you mean '(.*)'", self._unknown()) if self.kind == "extra_forbidden" else None
        return (*self.path[:-1], close[1]) if close else None

    def finding(self) -> Finding:
        if self.of_key:
            return wrong("value", self.path[:-1], self._problem(), line_of(self._root, self.path, key=True))
        if self.kind == "extra_forbidden":
            line = line_of(self._root, self.path, key=True)
            return wrong("unknown-key", self.path[:-1], self._unknown(), line)
        if self.kind == "missing":
            return self._missing(self.path[:-1], str(self.path[-1]))
        if self.kind == "union_tag_not_found":
            return self._missing(self.path, "kind")
        path = (*self.path, *self._deeper())
        code = "conflict" if isinstance(self._context.get("error"), Misplaced) else "value"
        return wrong(code, path, self._problem(), line_of(self._root, path))

    def _missing(self, parent: Path, key: str) -> Finding:
        return wrong("missing", parent, f"needs '{key}'", line_of(self._root, parent, key=True))

    def _unknown(self) -> str:
        known = tuple(section_at(self.path[:-1], self.workload_kind).model_fields)
        word = str(self.path[-1])
        return f"unknown key {quoted(word)}{suggestion(word, known)}"

    def _deeper(self) -> Path:
        if self.kind == "union_tag_invalid":
            return ("kind",)
        error = self._context.get("error")
        return error.at if isinstance(error, Misplaced) else ()

    def _problem(self) -> str:
        node = at(self._root, self.path)
        found = (
            "is one value" if isinstance(node, Scalar) else "is a list" if isinstance(node, Sequence) else "has keys"
        )
        match self.kind:
            case "value_error":
                return str(self._context["error"])
            case "literal_error":
                return self._choice("value", node, re.findall("'([^']*)'", self._context["expected"]))
            case "union_tag_invalid":
                return self._choice("kind", at(self._root, (*self.path, "kind")), list(KINDS))
            case "too_short":
                return "is empty; write at least one"
            case "tuple_type":
                return f"{found}, but a list is wanted; write it in [brackets]"
            case "model_type" | "model_attributes_type" | "dict_type":
                return f"{found}, but keys are wanted"
        return self._message

    def _choice(self, what: str, node: Node | None, known: list[str]) -> str:
        if not isinstance(node, Scalar):
            return f"is not one word; there are {', '.join(known)}"
        return f"unknown {what} {quoted(node.text)}{suggestion(node.text, known)}"
