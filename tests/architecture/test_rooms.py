from __future__ import annotations

import re
import tomllib

from architecture.sources import PACKAGE, PROJECT, tree

ROOMS = sorted(folder.name for folder in PACKAGE.iterdir() if (folder / "__init__.py").exists())


def sentence(room: str) -> str:
    docstring = tree(PACKAGE / room / "__init__.py").body[0]
    return str(getattr(getattr(docstring, "value", None), "value", ""))


def test_every_room_begins_with_one_sentence_that_says_what_it_holds() -> None:
    sentences = {room: sentence(room) for room in ROOMS}
    assert not [room for room, told in sentences.items() if not re.fullmatch(r"[A-Z].*\w.*\.", told)]
    assert not [room for room, told in sentences.items() if re.search(r"\. [A-Z]", told)]
    assert len(set(sentences.values())) == len(ROOMS)


def test_the_guide_draws_the_rooms_as_the_import_rules_hold_them() -> None:
    rules = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [re.split(r"\W+", layer) for layer in next(rule for rule in rules if rule["type"] == "layers")["layers"]]
    drawn = (PROJECT / "CONTRIBUTING.md").read_text().split("```")[3].strip()
    assert [line.split() for line in drawn.splitlines()] == layers
    assert sorted(room for layer in layers for room in layer) == ROOMS
