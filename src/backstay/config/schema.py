"""JSON Schema of the estate file, for editors and for other programs."""

from __future__ import annotations

from typing import Any

from .estate_file import OPTIONAL_SECTIONS, EstateFile


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12). It holds the grammar; what one part says about another is for `backstay check`."""
    schema: dict[str, Any] = _tidied(EstateFile.model_json_schema())
    for section in OPTIONAL_SECTIONS:
        properties = schema["properties"][section]
        properties["type"] = ["object", "null"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Backstay estate file"} | schema


def _tidied(schema: Any) -> Any:
    """Without pydantic's titles, without null (which is no value here), and closed where names are limited."""
    if isinstance(schema, list):
        return [_tidied(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {key: _tidied(value) for key, value in schema.items() if not _noise(key, value)}
    branches = [branch for branch in tidied.get("anyOf", []) if branch != {"type": "null"}]
    if len(branches) == 1:
        tidied = branches[0] | {key: value for key, value in tidied.items() if key != "anyOf"}
    if "patternProperties" in tidied:
        tidied["additionalProperties"] = False
    return tidied


def _noise(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value in (None, {}, []))
