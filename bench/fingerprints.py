"""What the fingerprint of a large tree costs beside the backup that it belongs to."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from backstay.domain.estate import FilesSource, Policy, Workload
from backstay.domain.points import Fingerprint
from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.kinds.files import FilesKind
from backstay.ports.kind import HoldRequest
from backstay.ports.progress import Silent
from bench.measuring import Sample, spread
from bench.side_by_side import Sides, trees

FIRST, UNCHANGED = 0.10, 0.03

Row = Mapping[str, Any]


def fingerprint_rows(root: Path, options: argparse.Namespace) -> list[Row]:
    """A first backup and an unchanged one, so many times, each on a fresh copy of the repository.

    A fingerprint is taken here by the kind itself, without a backup around it: beside the processor time of the
    backup, of which it is a few hundredths, the difference of two runs would tell nothing.
    """
    taken: dict[str, list[tuple[Sample, Sample, float]]] = {"first": [], "unchanged": []}
    for number in range(options.rounds // 2):
        sides = trees(root / f"large-{number}", 1, options.large)
        kind, previous = Taker(sides), None
        for rows in taken.values():
            spent, previous = kind.take(previous)
            rows.append((sides.bare(), sides.backstay(), spent))
    goals = {"first": FIRST, "unchanged": UNCHANGED}
    return [_row(f"{name} backup of {options.large:,} files", rows, goals[name]) for name, rows in taken.items()]


class Taker:
    """The kind `files` on the one tree of `sides`."""

    def __init__(self, sides: Sides) -> None:
        clock = SystemClock()
        self._place = str(sides.root)
        self._kind = FilesKind(Processes(HostSecrets(), clock, self._place), clock)
        source = FilesSource((str(sides.root / "source" / "w00"),))
        self._workload = Workload("w00", "files", source, Policy("p", timedelta(hours=1)))

    def take(self, previous: Fingerprint | None) -> tuple[float, Fingerprint]:
        """Processor seconds of both passes, of hashing and of the record; and the fingerprint."""
        began = time.process_time()
        with self._kind.hold(HoldRequest(self._workload, "bench", self._place, previous), Silent()) as held:
            taken = held.fingerprint(Silent())
        return time.process_time() - began, taken


def _row(title: str, rows: list[tuple[Sample, Sample, float]], goal: float) -> Row:
    bare, ours = spread([one.cpu_s for one, _, _ in rows]), spread([one.cpu_s for _, one, _ in rows])
    share = spread([spent / one.cpu_s for one, _, spent in rows])
    return {
        "row": title,
        "bare": bare,
        "backstay run": ours,
        "fingerprint": spread([spent for _, _, spent in rows]),
        "share": f"{share.median:.1%}",
        "goal": f"{goal:.0%}",
        "verdict": "kept" if share.median <= goal else "missed",
    }
