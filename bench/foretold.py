"""What `backstay compare` says of an estate beforehand, beside what then happened on it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.emulated import Emulated
from bench.history import remembered
from bench.measuring import BACKSTAY

HISTORY_RATE, HISTORY_PREP_S = 1_000_000, 1.5
"""Bytes per second and seconds of preparation in the remembered night: poor guesses, as histories are."""

PATTERNS = {
    "serial script": "serial",
    "everything at once": "all-at-once",
    "4 jobs, 50 % each": "static",
    "backstay": "planner",
}
"""By the name of a pattern that was lived through the one that is foretold."""


def settled(estate: Emulated, folder: Path) -> dict[str, str]:
    """The environment in which our program knows the estate and one earlier night of it."""
    sizes = {work.name: (work.target, work.bytes) for work in estate.works}
    remembered(folder / "state", sizes, HISTORY_RATE, HISTORY_PREP_S)
    return {
        **estate.environment(),
        "BACKSTAY_ESTATE": str(estate.estate_file(folder)),
        "BACKSTAY_STATE": str(folder / "state"),
    }


def foretold(estate: Emulated, folder: Path) -> dict[str, float]:
    """By pattern the seconds that its window would take."""
    environment = settled(estate, folder)
    said = subprocess.run([BACKSTAY, "compare", "--json"], env=environment, check=True, capture_output=True, text=True)
    return {row["name"]: row["makespan_s"] for row in json.loads(said.stdout)["patterns"]}


def rows(said: Mapping[str, float], lived: Mapping[str, float]) -> Sequence[Mapping[str, Any]]:
    """A row for each pattern that was lived through, the shortest first; `places` tells whether both have it there."""
    real = sorted(lived, key=lived.__getitem__)
    expected = sorted(lived, key=lambda name: said[PATTERNS[name]])
    return [
        {
            "pattern": name,
            "real s": lived[name],
            "foretold s": said[PATTERNS[name]],
            "foretold / real": said[PATTERNS[name]] / lived[name],
            "place": f"{place} of {len(real)}, foretold {expected.index(name) + 1}",
        }
        for place, name in enumerate(real, 1)
    ]
