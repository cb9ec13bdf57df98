"""What the grammar has and this version does not act on yet: named, so that nobody believes that it holds."""

from __future__ import annotations

from collections.abc import Iterator

from backstay.domain.estate import LOCALHOST
from backstay.domain.findings import Finding

from .estate_file import EstateFile
from .findings import wrong
from .grammar import Section
from .nodes import Node, Path, line_of

_ACTED_KINDS = frozenset({"files", "postgresql", "sqlite", "command"})
_TARGET_KEYS = ("capacity", "region", "lock", "price")
_POLICY_KEYS = ("keep", "verify")
_REQUIRE_KEYS = ("delete_after", "regions")

Unacted = tuple[Path, str]


def unacted(file: EstateFile, root: Node) -> Iterator[Finding]:
    """A warning for everything that is written down and not acted on."""
    for path, what in (*_targets(file), *_policies(file), *_workloads(file)):
        line = line_of(root, path, key=True)
        yield wrong("not-yet", path, f"{what}not acted on by this version yet", line, severity="warning")


def _given(section: Section, keys: tuple[str, ...], path: Path) -> Iterator[Unacted]:
    """The keys that the file sets; `false` asks for nothing."""
    for key in keys:
        if key in section.model_fields_set and getattr(section, key) is not False:
            yield (*path, key), ""


def _targets(file: EstateFile) -> Iterator[Unacted]:
    for name, target in file.targets.items():
        path = ("targets", name)
        if target.repositories != "workload":
            yield (*path, "repositories"), f"repositories shared by {target.repositories} are "
        yield from _given(target, _TARGET_KEYS, path)


def _policies(file: EstateFile) -> Iterator[Unacted]:
    for name, policy in file.policies.items():
        path = ("policies", name)
        yield from _given(policy, _POLICY_KEYS, path)
        yield from _given(policy.require, _REQUIRE_KEYS, (*path, "require"))
        for place in range(1, len(policy.copies)):
            yield (*path, "copies", place), f"a further copy, in {policy.copies[place]}, is "


def _workloads(file: EstateFile) -> Iterator[Unacted]:
    for name, workload in file.workloads.items():
        path = ("workloads", name)
        if workload.kind == "sqlite" and workload.host not in (None, LOCALHOST):
            yield (*path, "host"), f"a sqlite database on another machine ({workload.host}) is "
        if workload.kind not in _ACTED_KINDS:
            yield (*path, "kind"), f"the kind {workload.kind} is "
        elif workload.engine != "restic":
            yield (*path, "engine"), f"the engine {workload.engine} is "
