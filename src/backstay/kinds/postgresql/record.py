"""What is recorded about a database at the moment of its backup, and how it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import zstandard

from backstay.domain.errors import CatalogError

METHOD = "postgresql/rows/1"


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows, and the sums of their 64-bit hashes under two seeds, as decimal text.

    A sum does not depend on order and, unlike an exclusive or, sees a row that is there twice.
    """

    count: int
    sums: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sequence:
    """Where a sequence stood; None if it had not been used. `step` tells its direction."""

    last: int | None
    step: int
    cycle: bool

    def behind(self, other: Sequence) -> bool:
        """Whether this one would hand out again what the other already has."""
        if other.last is None or other.cycle:
            return False
        return self.last is None or (other.last - self.last) * (1 if self.step > 0 else -1) > 0


@dataclass(frozen=True, slots=True)
class Record:
    """Tables, sequences and what is not compared by their quoted names; `objects` maps a description to a digest."""

    tables: Mapping[str, Rows]
    large_objects: Rows
    sequences: Mapping[str, Sequence]
    objects: Mapping[str, str]
    extensions: Mapping[str, str]
    not_compared: Mapping[str, str]
    schema_by: int

    @property
    def rows(self) -> int:
        return sum(rows.count for rows in self.tables.values())


def encode(record: Record) -> bytes:
    """Canonical JSON, compressed."""
    text = json.dumps(asdict(record), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return zstandard.compress(text.encode(), 9)


def decode(body: bytes) -> Record:
    """The inverse of `encode`. CatalogError if the record was damaged."""
    try:
        kept = json.loads(zstandard.decompress(body))
        return Record(
            tables={name: _rows(rows) for name, rows in kept["tables"].items()},
            large_objects=_rows(kept["large_objects"]),
            sequences={name: Sequence(**each) for name, each in kept["sequences"].items()},
            objects=kept["objects"],
            extensions=kept["extensions"],
            not_compared=kept["not_compared"],
            schema_by=kept["schema_by"],
        )
    except (zstandard.ZstdError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CatalogError("the recorded fingerprint of a database cannot be read") from error


def _rows(kept: Mapping[str, object]) -> Rows:
    count, sums = kept["count"], kept["sums"]
    if not isinstance(count, int) or not isinstance(sums, list):
        raise ValueError("not a row count with its sums")
    first, second = sums
    return Rows(count, (str(first), str(second)))
