"""From level results to a verdict, and the levels that need no machine: plausibility and freshness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backstay.domain.drills import LEVELS, DrillVerdict, Level, LevelResult
from backstay.domain.estate import Plausible
from backstay.domain.findings import Finding
from backstay.domain.points import RestorePoint
from backstay.domain.runs import Amount
from backstay.ports.engine import StoredPoint


def verdict(levels: Sequence[LevelResult]) -> DrillVerdict:
    """What a drill has shown. `proven` needs a restore with L5 and L6 run and passed.

    What could not be tested is never a pass.

    >>> verdict([LevelResult("L2", "passed", ""), LevelResult("L5", "skipped", "no fingerprint")])
    'restored'
    """
    if any(level.result == "failed" for level in levels):
        return "failed"
    if not _passed(levels, "L2"):
        return "inconclusive"
    return "proven" if _passed(levels, "L5") and _passed(levels, "L6") else "restored"


def _passed(levels: Sequence[LevelResult], name: Level) -> bool:
    results = [level.result for level in levels if level.level == name]
    return bool(results) and all(result == "passed" for result in results)


def unreached(levels: Sequence[LevelResult], reason: str) -> tuple[LevelResult, ...]:
    """The given levels, and every missing one as skipped for `reason`, in order."""
    known = {level.level: level for level in levels}
    return tuple(known.get(name, LevelResult(name, "skipped", reason)) for name in LEVELS)


def up_to(depth: Level) -> frozenset[Level]:
    """The levels that a drill of this depth runs.

    >>> sorted(up_to("L1"))
    ['L0', 'L1']
    """
    return frozenset(level for level in LEVELS if level <= depth)


def own_snapshot_of(point: RestorePoint, listed: Sequence[StoredPoint]) -> StoredPoint | None:
    """The snapshot that a point's run wrote, under whatever name it has since somebody tagged or rewrote it.

    One rewritten beside the original holds other data, and does not stand for it while the original is there.
    """
    fitting = [stored for stored in listed if point.snapshot in stored.snapshots]
    return min(fitting, key=lambda stored: stored.snapshots.index(point.snapshot), default=None)


def snapshot_of(point: RestorePoint, listed: Sequence[StoredPoint]) -> StoredPoint | None:
    """What stands for a point in its repository: its own snapshot, else one with its run's tag, for L6 to judge."""
    tagged = (stored for stored in listed if stored.run_id == point.run_id)
    return own_snapshot_of(point, listed) or next(tagged, None)


def freshness(
    point: RestorePoint, stored: StoredPoint | None, seal: dict[str, str] | None, sealed: bool
) -> LevelResult:
    """L6: is what was restored this very backup, by the engine's name for it, its nonce, and the seal beside the data?

    `sealed` says whether this kind's snapshots carry a seal; `stored` is the snapshot that was restored.
    """
    if stored is None:
        return LevelResult("L6", "failed", f"the repository lists no snapshot of run {point.run_id}")
    if point.snapshot not in stored.snapshots:
        return LevelResult(
            "L6",
            "failed",
            f"snapshot {stored.snapshots[0][:8]} of {stored.at:%Y-%m-%d %H:%M} UTC was served; "
            f"run {point.run_id} wrote {point.snapshot[:8]}",
        )
    if stored.nonce != point.nonce:
        return LevelResult("L6", "failed", "the snapshot carries another backup's nonce")
    if not sealed:
        return LevelResult("L6", "passed", f"snapshot {point.snapshot[:8]} with the nonce of this run")
    if seal is None:
        return LevelResult("L6", "failed", "the seal that was stored beside the data is missing")
    return _sealed(point, seal)


def _sealed(point: RestorePoint, seal: dict[str, str]) -> LevelResult:
    if (seal.get("run_id"), seal.get("workload"), seal.get("nonce")) == (point.run_id, point.workload, point.nonce):
        return LevelResult("L6", "passed", f"the seal in the data is that of run {point.run_id}")
    return LevelResult(
        "L6",
        "failed",
        f"the data is sealed by run {seal.get('run_id')} of {seal.get('workload')} "
        f"as of {seal.get('as_of')}; expected run {point.run_id} of {point.workload}",
    )


def implausible(workload: str, now: Amount, before: Amount | None, rule: Plausible) -> Finding | None:
    """Why a source's size cannot be believed, or None.

    An empty source needs leave, and so does a drop of more than `rule.shrink` in bytes or items against
    the newest good point.
    """
    if now.items == 0 or (now.items is None and now.bytes == 0):
        if rule.empty:
            return None
        return _source_finding(workload, "source-empty", "the source is empty", "plausible: {empty: true}")
    before = before or Amount()
    shrunk = [
        drop for drop in (_drop("items", now.items, before.items), _drop("bytes", now.bytes, before.bytes)) if drop
    ]
    worst = max(shrunk, default=None)
    if worst is None or worst.part <= rule.shrink:
        return None
    message = f"the source has {worst.have:,} {worst.name}; {worst.had:,} were there at the last good point"
    leave = f"plausible: {{shrink: {-(-100 * (worst.had - worst.have) // worst.had)}%}}"
    return _source_finding(workload, "source-shrunk", message, leave)


@dataclass(frozen=True, slots=True, order=True)
class _Drop:
    """How much less there is. A quotient is rounded as a share in the estate file is, so that 29 of 100 is 29 %."""

    part: float
    name: str
    have: int
    had: int


def _drop(name: str, have: int | None, had: int | None) -> _Drop | None:
    return None if have is None or not had else _Drop((had - have) / had, name, have, had)


def _source_finding(workload: str, code: str, message: str, leave: str) -> Finding:
    hint = f"Look at the source; if this is meant, write {leave} on the workload."
    return Finding(code, "error", workload, message, hint)


def newest_before(points: Sequence[RestorePoint], moment: datetime) -> RestorePoint | None:
    """The newest counting point whose `as_of` is not after `moment`."""
    fitting = [point for point in points if point.counts and point.as_of <= moment]
    return max(fitting, key=lambda point: point.as_of, default=None)


def together(level: Level, answers: Sequence[LevelResult]) -> LevelResult:
    """Several answers at one level as one: failed if one failed, skipped if one could not be asked."""
    wrong = [answer for answer in answers if answer.result == "failed"]
    unasked = [answer for answer in answers if answer.result == "skipped"]
    worst = wrong or unasked or list(answers)
    outcome = worst[0].result if worst else "skipped"
    return LevelResult(level, outcome, several([answer.detail for answer in worst]) or "no questions")


def several(sentences: Sequence[str], shown: int = 3) -> str:
    """The first few of them, and how many more there are.

    >>> several(["a", "b", "c", "d", "e"])
    'a; b; c; and 2 more'
    """
    told = "; ".join(sentences[:shown])
    return told if len(sentences) <= shown else f"{told}; and {len(sentences) - shown:,} more"
