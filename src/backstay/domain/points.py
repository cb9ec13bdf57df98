"""Restore points, what was recorded at the moment they were taken, and the pieces they are stored in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from .runs import Amount

PointState = Literal["taken", "incomplete", "verified", "restored", "proven", "damaged"]
NEVER_COUNTS: frozenset[PointState] = frozenset({"incomplete", "damaged"})

SKEW = timedelta(minutes=1)
"""A point that is dated later than now by more than this has an age that nobody knows."""


@dataclass(frozen=True, slots=True)
class RestorePoint:
    """A state we can return to.

    `as_of` is the moment the data is consistent with. `snapshot` is the engine's own name for what it stored,
    `nonce` the mark by which a drill knows this backup from every other.
    """

    point: str
    run_id: str
    workload: str
    kind: str
    engine: str
    target: str
    level: str
    as_of: datetime
    taken_at: datetime
    bytes: int
    snapshot: str
    nonce: str
    state: PointState
    needs: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it may be counted for the RPO and as a last good one."""
        return self.state not in NEVER_COUNTS


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the data was, recorded with the backup so that a drill can compare.

    `method` names how to read the rest ("files/blake3/1"). `facts` are small and printable JSON;
    `body` is the kind's own detail (a compressed manifest, say) and may be empty.
    """

    method: str
    amount: Amount
    facts: Mapping[str, Any]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The stored pieces of one repository by name, with their sizes in bytes, as last seen whole."""

    at: datetime
    pieces: Mapping[str, int]
