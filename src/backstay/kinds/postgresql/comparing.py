"""What differs between a record and a restored database, in sentences that name the thing. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from .record import Record, Rows
from .record import Sequence as DatabaseSequence


def rows_differ(recorded: Record, tables: Mapping[str, Rows], large_objects: Rows) -> Iterator[str]:
    """What L5 finds."""
    for name, before in recorded.tables.items():
        now = tables.get(name)
        yield from [f"{name} is missing"] if now is None else _differ(name, before, now)
    for name in sorted(tables.keys() - recorded.tables.keys()):
        yield f"{name} was not there when it was backed up"
    yield from _differ("large objects", recorded.large_objects, large_objects, "objects")


def objects_differ(
    recorded: Mapping[str, str], restored: Mapping[str, str], excused: Collection[str] = ()
) -> Iterator[str]:
    """What L4 finds among structures. A role that is there in addition may have been made while the dump ran."""
    for name in sorted(recorded):
        if name not in restored:
            yield f"{name} is missing"
        elif restored[name] != recorded[name] and name not in excused:
            yield f"{name} is not as it was when backed up"
    for name in sorted(restored.keys() - recorded.keys()):
        if not name.startswith(("role ", "membership ")):
            yield f"{name} was not there when it was backed up"


def changed(recorded: Mapping[str, str], restored: Mapping[str, str]) -> frozenset[str]:
    """The objects that are there and different."""
    return frozenset(name for name, digest in recorded.items() if restored.get(name, digest) != digest)


def sequences_differ(
    recorded: Mapping[str, DatabaseSequence], restored: Mapping[str, DatabaseSequence]
) -> Iterator[str]:
    """Sequences that would hand out again what they had handed out; being further on is no fault."""
    for name, before in recorded.items():
        now = restored.get(name)
        if now is None:
            yield f"sequence {name} is missing"
        elif now.behind(before):
            yield f"sequence {name} stands at {now.last or 'its start'}; it stood at {before.last:,} when backed up"


def extensions_differ(recorded: Mapping[str, str], restored: Mapping[str, str]) -> Iterator[str]:
    """Versions that differ: a dump does not keep them, so the machine's own are installed."""
    for name, version in recorded.items():
        if restored.get(name, version) != version:
            yield f"extension {name} is {restored[name]} here, {version} at the source"


def told(sentences: Sequence[str], shown: int = 3) -> str:
    """The first few, and how many more there are."""
    rest = len(sentences) - shown
    return "; ".join([*sentences[:shown], *([f"and {rest:,} more"] if rest > 0 else [])])


def _differ(name: str, before: Rows, now: Rows, unit: str = "rows") -> Iterator[str]:
    if now.count != before.count:
        yield f"{name} has {now.count:,} {unit}; {before.count:,} were there when it was backed up"
    elif now.sums != before.sums:
        yield f"{name} has {now.count:,} {unit}, as many as when it was backed up, but with other content"
