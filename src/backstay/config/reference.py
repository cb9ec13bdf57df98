"""The reference page of the estate file, made from its grammar: `python -m backstay.config.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from inspect import cleandoc
from typing import Any

from .estate_file import SECTIONS
from .findings import CODES
from .grammar import Section
from .origins import default_text
from .workloads import KINDS, WorkloadSection
from .written import FORMATS

_HEAD = """\
# The estate file

<!-- Made by `python -m backstay.config.reference > docs/reference/estate.md`; change the grammar, not this page. -->

YAML 1.2, in UTF-8. Unknown keys are errors. Values are read as they are written, with or without quotes;
a `:` followed by a space, a leading `*`, `&`, `!`, `@` or `%`, and a ` #` need quotes. Tags and `<<` are not read.
A password never stands in the file: it is a reference, and one found in the clear is an error.

`backstay check` looks at a file, `backstay check --effective` shows every value in force and where it came from,
`backstay schema` prints the grammar as JSON Schema.
"""


def reference_markdown() -> str:
    """The whole page: one table for each section, then the formats and the findings."""
    parts = [_HEAD, *(_section(place, section) for place, section in SECTIONS.items() if not place.startswith("work"))]
    parts += [_common()]
    parts += [_section(place, section) for place, section in SECTIONS.items() if place.startswith("work")]
    parts += [_kind(name, section) for name, section in KINDS.items()]
    return "\n".join([*parts, _formats(), _findings()])


def _section(place: str, section: type[Section]) -> str:
    title = place.replace(".*", ".<name>").replace("ask.<name>", "ask[]") if place else "top level"
    return _table(f"`{title}`" if place else "Top level", section, set())


def _common() -> str:
    return _table("`workloads.<name>`: every kind", WorkloadSection, set())


def _kind(name: str, section: type[Section]) -> str:
    return _table(f"`workloads.<name>`: `kind: {name}`", section, {*WorkloadSection.model_fields, "kind"})


def _table(title: str, section: type[Section], without: set[str]) -> str:
    rows = [row for key, row in _rows(section) if key not in without]
    head = f"## {title}\n\n{cleandoc(section.__doc__ or '')}\n\n"
    return head + _lines(("key", "format", "default", "meaning"), rows)


def _rows(section: type[Section]) -> Iterator[tuple[str, tuple[str, ...]]]:
    schemas = _properties(section)
    for key, field in section.model_fields.items():
        default = "required" if field.is_required() else _default(key, field.default)
        yield key, (f"`{key}`", _format(schemas[key]), default, field.description or "")


def _properties(section: type[Section]) -> dict[str, Any]:
    properties: dict[str, Any] = section.model_json_schema()["properties"]
    return properties


def _default(key: str, value: Any) -> str:
    if isinstance(value, Section):
        return "see there"
    text = default_text(key, value)
    return f"`{text}`" if value or value is False else text


def _format(schema: dict[str, Any]) -> str:
    """One schema in the words of the formats table."""
    branches = [branch for branch in schema.get("anyOf", []) if branch.get("type") != "null"]
    if len(branches) == 1:
        return _format(branches[0])
    if "format" in schema:
        return str(schema["format"])
    if "enum" in schema or "const" in schema:
        return " \\| ".join(f"`{word}`" for word in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_format(schema['items'])}"
    named = schema.get("patternProperties")
    if named:
        return (
            f"by {'name' if 'a-z' in next(iter(named)) else 'part of the day'}: {_format(next(iter(named.values())))}"
        )
    return "keys"


def _formats() -> str:
    rows = [
        (format.word, ", ".join(f"`{example}`" for example in format.examples), format.meaning)
        for format in FORMATS.values()
    ]
    return "## Formats\n\n" + _lines(("format", "for example", "meaning"), rows)


def _findings() -> str:
    head = "## Findings\n\nThe `code` of what `backstay check` finds in a file; all but `not-yet` are errors.\n\n"
    return head + _lines(("code", "meaning"), [(f"`{code}`", meaning) for code, meaning in CODES.items()])


def _lines(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    table = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in table)


if __name__ == "__main__":
    sys.stdout.write(reference_markdown())
