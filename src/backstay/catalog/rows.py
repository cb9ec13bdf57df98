"""Domain values as rows, and rows as domain values. A table's columns bear the names of the value's parts."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from typing import Any

import zstandard
from sqlalchemy import ColumnElement, Table

from backstay.domain.drills import Drill, Evidence
from backstay.domain.points import Fingerprint, Inventory, RestorePoint
from backstay.domain.runs import Amount, Run, RunNote, RunProgress

from . import tables

Columns = tuple[ColumnElement[Any], ...]


def _columns(table: Table, value: type[Any]) -> Columns:
    return tuple(table.c[part.name] for part in fields(value))


# In the order of the parts, so that `Run(*row)` is the run. Reading a thousand facts by name would take twice as long.
RUN = _columns(tables.run, Run)
PROGRESS = _columns(tables.run_progress, RunProgress)
NOTE = _columns(tables.run_note, RunNote)
POINT = _columns(tables.restore_point, RestorePoint)
DRILL = _columns(tables.drill, Drill)
EVIDENCE = _columns(tables.evidence, Evidence)
INVENTORY = _columns(tables.repository_inventory, Inventory)
FINGERPRINT = tuple(column for column in tables.fingerprint.c if column.name != "point")


def row_of(value: Run | RunProgress | RunNote | RestorePoint | Drill | Evidence) -> dict[str, Any]:
    return {part.name: getattr(value, part.name) for part in fields(value)}


def fingerprint_row(point: str, fingerprint: Fingerprint) -> dict[str, Any]:
    return {
        "point": point,
        "method": fingerprint.method,
        "amount_bytes": fingerprint.amount.bytes,
        "amount_items": fingerprint.amount.items,
        "facts": fingerprint.facts,
        "body": pack(fingerprint.body),
    }


def fingerprint_of(
    method: str, amount_bytes: int | None, amount_items: int | None, facts: Any, body: bytes
) -> Fingerprint:
    return Fingerprint(method, Amount(amount_bytes, amount_items), facts, unpack(body))


def inventory_row(inventory: Inventory) -> dict[str, Any]:
    return {"at": inventory.at, "pieces": pack(json.dumps(dict(inventory.pieces)).encode())}


def inventory_of(at: datetime, pieces: bytes) -> Inventory:
    return Inventory(at, json.loads(unpack(pieces)))


def pack(content: bytes) -> bytes:
    """Compressed, with a checksum, so that a damaged row is noticed rather than believed."""
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(content)


def unpack(content: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(content)
