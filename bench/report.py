"""What a bench found: a table for people, and a document with all that is needed to judge it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

from bench.measuring import machine

RESULTS = Path(__file__).parent.parent / "bench-results"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title. Each row has the same keys; those are the columns, in their order."""

    title: str
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Report:
    """The tables of one bench, how they were measured, and the machine before and after."""

    name: str
    method: Sequence[str]
    tables: Sequence[Table]
    before: Mapping[str, Any]

    def document(self) -> str:
        """One JSON document."""
        content = {
            "schema": f"backstay/bench-{self.name}/1",
            "method": list(self.method),
            "machine": {"before": self.before, "after": machine()},
            "tables": [asdict(table) for table in self.tables],
        }
        return json.dumps(content, indent=1) + "\n"

    def text(self) -> str:
        """For a terminal."""
        loads = f"{self.before['cores']} cores, load {self.before['load'][0]} before and {machine()['load'][0]} after"
        parts = [*(_shown(table) for table in self.tables), *(f"  {line}" for line in self.method), f"  {loads}", ""]
        return "\n".join(parts)

    def save(self) -> Path:
        """Kept in `bench-results/`, one file for each time."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}-{self.before['at'].replace(':', '')}.json"
        path.write_text(self.document())
        return path


def _shown(table: Table) -> str:
    heads = list(table.rows[0])
    lines = [heads, *([_cell(row[head]) for head in heads] for row in table.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    drawn = ["  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([table.title, *(line.rstrip() for line in drawn), ""])


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    if is_dataclass(value):
        return str(value)
    return "–" if value is None else str(value)
