from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from architecture.sources import PACKAGE, PROJECT, files, functions, is_public, name, room, tree

LONGEST_FILE = 350
LONGEST_FUNCTION = 60
# What a database looked like is written down once, table by table, and never touched again.
HISTORY = "catalog/migrations/versions/"
# In these rooms a function is public only if another room imports it; what it must do is said by the port.
ADAPTERS = {"catalog", "engines", "kinds"}
# The name of a promise is the promise.
PROMISES = {"ports/conformance.py", "ports/catalog_promises.py", "ports/catalog_samples.py"}

IGNORE = re.compile(r"#\s*(?:type:\s*ignore|(?:ruff:\s*)?noqa|mypy:\s*ignore)", re.IGNORECASE)
REASON = re.compile(r"# (?:type: ignore|noqa)(?:\[[\w, -]+\]|: [A-Z]+\d+(?:, ?[A-Z]+\d+)*)(?:  ?#| -) \S")


def used_elsewhere() -> set[tuple[str, str]]:
    """Module and name of everything that one room imports from another."""
    return {
        (node.module, alias.name)
        for path in files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("backstay.")
        if node.module.split(".")[1] != room(path)
        for alias in node.names
    }


def module(path: Path) -> str:
    return ".".join(("backstay", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def test_every_file_says_what_it_is() -> None:
    assert not [name(path) for path in files() if not ast.get_docstring(tree(path))]


def test_every_public_class_promises_something() -> None:
    classes = [(path, node) for path in files() for node in tree(path).body if isinstance(node, ast.ClassDef)]
    assert not [f"{name(path)}: {x.name}" for path, x in classes if is_public(x) and not ast.get_docstring(x)]


def test_every_public_function_promises_something() -> None:
    used = used_elsewhere()
    public = [
        (path, node)
        for path in files()
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_public(node)
        if name(path) not in PROMISES and (room(path) not in ADAPTERS or (module(path), node.name) in used)
    ]
    assert not [f"{name(path)}: {node.name}" for path, node in public if not ast.get_docstring(node)]


def test_no_file_is_too_long_to_be_one_idea() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in files()}
    assert not {path: length for path, length in lengths.items() if length > LONGEST_FILE}


def test_no_function_is_too_long_to_be_one_idea() -> None:
    lengths = {
        f"{name(path)}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in files()
        if not name(path).startswith(HISTORY)
        for node in functions(path)
    }
    assert not {function: length for function, length in lengths.items() if length > LONGEST_FUNCTION}


def test_nothing_is_printed_past_the_doors() -> None:
    assert not [
        f"{name(path)}:{node.lineno}"
        for path in files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def ignored_without_reason(text: str) -> list[int]:
    """The lines that switch a check off and do not say why."""
    lines = enumerate(text.splitlines(), start=1)
    return [number for number, line in lines if IGNORE.search(line) and not REASON.search(line)]


def test_a_check_is_switched_off_only_with_its_reason_beside_it() -> None:
    paths = [*files(), *(PROJECT / "tests").rglob("*.py")]
    own = Path(__file__).name
    found = {str(x.relative_to(PROJECT)): ignored_without_reason(x.read_text()) for x in paths if x.name != own}
    assert not {path: lines for path, lines in found.items() if lines}


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # type: ignore",
        "x = 1  # type: ignore[arg-type]",
        "x = 1  #type:ignore[arg-type]  # by name",
        "x = 1  # type: ignore  # all of it",
        "import os  # noqa",
        "import os  # noqa: F401",
        "import os  # NOQA: F401 - it is used",
        "import os  # noqa: F401 -",
        "# ruff: noqa: F401 - the whole file",
        "# mypy: ignore-errors",
    ],
)
def test_a_bare_ignore_is_noticed(line: str) -> None:
    assert ignored_without_reason(f"\n{line}\n") == [2]


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # type: ignore[arg-type]  # by name",
        "x = 1  # type: ignore[arg-type, misc]  # by name",
        "import os  # noqa: F401 - the one place that may",
        "import os  # noqa: F401, S108  # the one place that may",
        "x = 'no quality assurance'",
    ],
)
def test_an_ignore_with_its_reason_is_fine(line: str) -> None:
    assert ignored_without_reason(line) == []
