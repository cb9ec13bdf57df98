"""The fingerprint of a tree: a few facts to print, and the manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import zstandard

from backstay.domain.estate import FilesSource
from backstay.domain.points import Fingerprint
from backstay.ports.progress import Progress

from . import mounts
from .content import Hash
from .manifest import Manifest, State, decode, encode
from .record import record
from .tree import Tree
from .trees import Trees
from .words import reasons, shown

METHODS: Mapping[Hash, str] = {"blake3": "files/blake3/1", "sha256": "files/sha256/1"}
_EXAMPLES = 10


def take(
    source: FilesSource, before: Tree, after: Tree, previous: Fingerprint | None, trees: Trees, progress: Progress
) -> Fingerprint:
    """What the tree was while it was copied. If nothing has changed since `previous`, that one holds still."""
    listing, method = after.digest(), METHODS[trees.hash]
    if previous and previous.method != method:  # of another machine's trees: its hashes are no use here
        previous = None
    if previous and before.folders == after.folders and _holds_still(previous, source, listing):
        return previous
    carried = _carried(previous, trees.knows_attributes(progress), progress)
    manifest = record(source.paths, source.exclude, before, after, carried, trees, progress)
    facts = _facts(manifest, listing) | {"mounts": mounts.mounted(manifest.roots, trees, progress)}
    if facts["not_comparable"]:
        progress.note(f"{facts['not_comparable']}, for example {', '.join(facts['examples'])}")
    return Fingerprint(method, after.amount(), facts, encode(manifest))


def manifest_of(fingerprint: Fingerprint) -> Manifest | None:
    """The recorded manifest; None if the fingerprint was taken by a method that this version does not know."""
    return decode(fingerprint.body) if fingerprint.method in METHODS.values() else None


def _holds_still(previous: Fingerprint, source: FilesSource, listing: str) -> bool:
    facts = previous.facts
    return (
        facts.get("listing") == listing
        and facts.get("exclude") == list(source.exclude)
        and facts.get("settled") is True
    )


def _carried(previous: Fingerprint | None, attributes_known: bool, progress: Progress) -> Manifest | None:
    """What was recorded before, if all that is recorded now was recorded then."""
    try:
        manifest = manifest_of(previous) if previous else None
        return manifest if manifest and manifest.attributes_known == attributes_known else None
    except (zstandard.ZstdError, ValueError) as error:  # a record that cannot be read costs time, not the backup
        progress.note(f"the fingerprint of the point before cannot be read ({error}); everything is hashed", "warning")
        return None


def _facts(manifest: Manifest, listing: str) -> dict[str, Any]:
    states = manifest.states()
    return {
        "entries": sum(states.values()),
        "not_comparable": reasons(states),
        "examples": _examples(path for path, _ in manifest.doubtful()),
        "vanished": manifest.vanished_count,
        "vanished_examples": _examples(manifest.vanished),
        "settled": all(State(state).settled for state in states),
        "exclude": list(manifest.exclude),
        "listing": listing,
    }


def _examples(paths: Iterable[str]) -> list[str]:
    return [shown(path) for path in islice(paths, _EXAMPLES)]
