"""The JSON Schema accepts what is sound, and rejects what its words can say is wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from backstay.config import json_schema, load

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.yaml"))
VALIDATOR = Draft202012Validator(json_schema())


def document(path: Path) -> Any:
    return _as_json(YAML(typ="safe", pure=True).load(path.read_text()))


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_as_json(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_the_examples_are_sound_by_schema_and_by_check(path: Path) -> None:
    assert list(VALIDATOR.iter_errors(document(path))) == []
    assert load(str(path)).estate is not None


def test_every_key_says_what_it_means() -> None:
    schema = json_schema()
    for section in (schema, *schema["$defs"].values()):
        for key, field in section["properties"].items():
            assert field.get("description"), key


Change = Callable[[dict[str, Any]], object]
CHANGES: list[Change] = [
    lambda file: file.pop("estate"),
    lambda file: file.update(colour="red"),
    lambda file: file.update(workflow="fast"),
    lambda file: file.update(job_share=50),
    lambda file: file["policies"]["gold"].update(rpo=15),
    lambda file: file["policies"]["gold"].update(rpo="15 min"),
    lambda file: file["policies"]["gold"].update(rpo=None),
    lambda file: file["policies"]["gold"]["keep"].update(daily=0),
    lambda file: file["targets"]["vault"].update(write="80MB"),
    lambda file: file["targets"]["vault"].update(password="hunter2"),
    lambda file: file["targets"].update(Vault={"url": "/srv"}),
    lambda file: file["links"]["wan"].update(leave="91%"),
    lambda file: file["links"]["wan"].update(leave=0.95),
    lambda file: file["workloads"]["crm-db"].update(kind="oracle"),
    lambda file: file["workloads"]["crm-db"].pop("policy"),
    lambda file: file["workloads"]["web-cache"].update(policy="gold"),
    lambda file: file["workloads"]["shop"].pop("path"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_wrong_file_is_rejected(change: Change) -> None:
    file = copy.deepcopy(document(EXAMPLES[0]))
    assert "crm-db" in file["workloads"]
    change(file)
    assert not VALIDATOR.is_valid(file)
