"""A file as it is written, before anybody knows whether it is right: its sections, and the words below a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .nodes import Path

Body = Mapping[str, Any]


def names(raw: Any, section: str) -> tuple[str, ...]:
    """Every name that a section holds, whatever stands below it."""
    named = raw.get(section)
    return tuple(named) if isinstance(named, dict) else ()


def part_of(raw: Any, section: str) -> dict[str, Body]:
    """The bodies of a section by name, as far as they have keys."""
    named = raw.get(section)
    return {name: body for name, body in named.items() if isinstance(body, dict)} if isinstance(named, dict) else {}


def words(body: Body, *keys: str) -> list[tuple[Path, str]]:
    """The texts under a key, one or a list, with their paths from the body."""
    value: Any = body
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, list):
        return [((*keys, place), item) for place, item in enumerate(value) if isinstance(item, str)]
    return [(keys, value)] if isinstance(value, str) else []


def copies_of(raw: Any, workload: Body) -> list[str]:
    """The targets of a workload's copies, the first taken from the source; the first target if none is named."""
    policy = workload.get("policy")
    owed = part_of(raw, "policies").get(policy, {}) if isinstance(policy, str) else {}
    return [word for _, word in words(owed, "copies")] or list(names(raw, "targets")[:1])
