"""What bound a run, second by second, from what was measured, and what would make it faster.

Nothing is named that was not seen at its limit: a second in which nothing was is counted as such.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

Part = Literal["source", "engine", "link", "target", "slots", "nothing"]

FULL = 0.9
"""A second in which this part of a grant was used, or of a core, was at that limit: rates breathe within a second."""

PRESSED = 0.4
"""The part of a second in which something on the host stalled for its disk, above which the disk is the limit."""

MAJORITY = 0.5
"""A part binds a run if it was the limit for this part of its time; else it was bound by several."""

_ADVICE: Mapping[Part, str] = {
    "source": "A faster disk or fewer jobs at a time on the host would shorten it.",
    "engine": "A faster core, less compression or several runs side by side would shorten it.",
    "link": "More capacity on the link would shorten it.",
    "target": "Faster storage at the target would shorten it.",
    "slots": "More slots or another order would shorten it.",
    "nothing": "Nothing that is measured was at its limit.",
}


@dataclass(frozen=True, slots=True)
class RunSample:
    """One second of a run: what it was granted and moved, the engine's part of a core, and the disk's stalls.

    `waiting` says that it had no slot yet. Grants are inf where nothing limits.

    Units: bytes per second; `engine` in cores; `io_stalled` is PSI's `some`, as a part of the second.
    """

    moved: float
    source: float = inf
    link: float = inf
    target: float = inf
    engine: float = 0.0
    io_stalled: float = 0.0
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Attribution:
    """Parts of the time by what was the limit, summing up to 1; `binding` is None where several took turns."""

    shares: Mapping[Part, float]
    seconds: int
    binding: Part | None
    sentence: str


def limit_in(sample: RunSample) -> Part:
    """What was the limit in that second.

    A grant that was used up comes first, the lowest where there are several: whoever is held by a limit has no other.
    Then the engine, since a busy core also makes a disk wait for it, and then the disk.
    """
    if sample.waiting:
        return "slots"
    grants: tuple[tuple[float, Part], ...] = (
        (sample.target, "target"),
        (sample.link, "link"),
        (sample.source, "source"),
    )
    lowest, part = min(grants, key=lambda grant: grant[0])
    if sample.moved >= FULL * lowest:
        return part
    if sample.engine >= FULL:
        return "engine"
    return "source" if sample.io_stalled >= PRESSED else "nothing"


def attributed(samples: Sequence[RunSample]) -> Attribution:
    """What bound one run. Without samples nothing did."""
    return _told(Counter(map(limit_in, samples)))


def attributed_night(runs: Iterable[Sequence[RunSample]]) -> Attribution:
    """What bound the runs of a night together, each second of each run counting as much."""
    return _told(Counter(limit_in(sample) for run in runs for sample in run))


def _told(seconds: Counter[Part]) -> Attribution:
    total = seconds.total()
    shares = {part: count / total for part, count in sorted(seconds.items(), key=lambda each: (-each[1], each[0]))}
    first: Part = next(iter(shares), "nothing")
    binding = first if shares.get(first, 0.0) >= MAJORITY else None
    return Attribution(shares, total, binding, _sentence(shares, binding))


def _sentence(shares: Mapping[Part, float], binding: Part | None) -> str:
    if not shares:
        return "Nothing was measured."
    parts = ", ".join(f"{part} {share:.0%}" for part, share in shares.items())
    if binding is None:
        return f"No part bound it most of the time: {parts}. Widening one of them moves the limit to the next."
    return f"Bound by {binding} for {shares[binding]:.0%} of the time ({parts}). {_ADVICE[binding]}"
