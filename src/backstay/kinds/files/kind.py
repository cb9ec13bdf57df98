"""The kind `files`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from backstay.domain.errors import ConfigError, InvariantBroken, SourceFailed
from backstay.domain.estate import FilesSource, Workload
from backstay.domain.findings import Finding
from backstay.domain.points import Fingerprint
from backstay.domain.runs import Amount
from backstay.ports.clock import Clock
from backstay.ports.engine import Paths
from backstay.ports.kind import HoldRequest, Look, RaiseRequest
from backstay.ports.progress import Progress
from backstay.ports.runner import Runner

from . import fingerprints, mounts
from .exclude import excluder, malformed
from .local import LocalTrees
from .raised import RaisedFiles
from .restored import Restored
from .tree import Tree, scan
from .trees import Trees
from .words import shown


class FilesKind:
    """Directory trees and files, on the machine that `trees` sees; what is restored lies on this one.

    `fstab` lists what should be mounted there.
    """

    name = "files"
    sealed = True

    def __init__(self, runner: Runner, clock: Clock, *, trees: Trees | None = None, fstab: str = "/etc/fstab") -> None:
        self._runner = runner
        self._clock = clock
        self._trees = trees or LocalTrees()
        self._fstab = fstab

    def look(self, workload: Workload, progress: Progress) -> Look:
        source = self._demand(workload, (), progress)
        there = self._trees.standing(source.paths, progress)
        links = [path for path, one in zip(source.paths, there, strict=True) if one.link]
        # Without an amount: a pass over a large tree takes minutes, and holding it makes two already.
        real = self._trees.real(links, progress)
        return Look(Amount(), findings=tuple(map(partial(_only_a_link, workload), links, real)))

    @contextmanager
    def hold(self, request: HoldRequest, progress: Progress) -> Iterator[HeldFiles]:
        workload, previous = request.workload, request.previous
        moved_here = workload.plausible.empty
        source = self._demand(
            workload, () if moved_here or not previous else previous.facts.get("mounts", ()), progress
        )
        as_of = self._clock.now()
        before = _scanned(workload, source, self._trees, progress)
        amount = before.amount()
        if not amount.items and not workload.plausible.empty:
            raise SourceFailed(
                f"there is no file in {_listed(source.paths)}",
                subject=workload.name,
                hint="If that is as it should be, say `plausible: {empty: true}` on the workload.",
            )
        yield HeldFiles(request, source, self._trees, before, as_of, amount)

    @contextmanager
    def raise_elsewhere(self, request: RaiseRequest, progress: Progress) -> Iterator[RaisedFiles]:
        manifest = fingerprints.manifest_of(request.fingerprint) if request.fingerprint else None
        tree = scan((request.folder,), None, progress)
        yield RaisedFiles(Restored(request.folder, tree), manifest, self._runner, self._clock)

    def runbook(self, workload: Workload, folder: str) -> tuple[str, ...]:
        lines = []
        for path in _source(workload).paths:
            restored, parent = os.path.join(folder, path.lstrip("/")), os.path.dirname(path)
            lines.append(f"mkdir -p -- {shlex.quote(parent)}")
            lines.append(f"cp -aT -- {shlex.quote(restored)} {shlex.quote(path)}")
        return tuple(lines)

    def _demand(self, workload: Workload, earlier_mounts: tuple[str, ...], progress: Progress) -> FilesSource:
        """The paths to copy, or SourceFailed if one of them is not there to be copied."""
        source = _source(workload)
        if wrong := malformed(source.exclude):
            raise ConfigError(f"{workload.name}: exclude pattern {wrong[0]!r} cannot be read", subject=workload.name)
        if unmounted := mounts.missing(source.paths, self._fstab, earlier_mounts, self._trees, progress):
            raise SourceFailed(
                f"{_listed(unmounted)} is not mounted",
                subject=workload.name,
                hint="Mount it. If it is meant to lie on the file system above from now on, take it out of /etc/fstab"
                " and say `plausible: {empty: true}` on the workload for one run.",
            )
        there = self._trees.standing(source.paths, progress)
        if unusable := [path for path, one in zip(source.paths, there, strict=True) if not one.readable]:
            raise SourceFailed(
                f"{_listed(unusable)} cannot be read or does not exist",
                subject=workload.name,
                hint="Mount its disk, bring it back, let this account read it, or take it out of `paths`.",
            )
        return source


@dataclass(frozen=True, slots=True)
class HeldFiles:
    """A live tree, seen once before the copy. It goes on changing; the second look, after the copy, tells where."""

    request: HoldRequest
    roots: FilesSource
    trees: Trees
    before: Tree
    as_of: datetime
    amount: Amount

    @property
    def source(self) -> Paths:
        return Paths(self.request.place, self.roots.paths, self.roots.exclude)

    def fingerprint(self, progress: Progress) -> Fingerprint:
        progress.phase("fingerprint")
        after = _scanned(self.request.workload, self.roots, self.trees, progress)
        return fingerprints.take(self.roots, self.before, after, self.request.previous, self.trees, progress)


def _source(workload: Workload) -> FilesSource:
    """The workload's paths, cleaned, without those that lie within another."""
    if not isinstance(workload.source, FilesSource):
        raise InvariantBroken(f"{workload.name} is not a workload of files", subject=workload.name)
    paths = sorted({os.path.normpath(path) for path in workload.source.paths})
    inner = {one for one in paths for other in paths if one != other and one.startswith(os.path.join(other, ""))}
    return FilesSource(tuple(path for path in paths if path not in inner), workload.source.exclude)


def _scanned(workload: Workload, source: FilesSource, trees: Trees, progress: Progress) -> Tree:
    try:
        return trees.scan(source.paths, excluder(source.exclude), progress)
    except OSError as error:
        raise SourceFailed(f"{shown(error.filename)} is gone: {error.strerror}", subject=workload.name) from error


def _only_a_link(workload: Workload, path: str, real: str) -> Finding:
    return Finding(
        "files-link",
        "warning",
        workload.name,
        f"{shown(path)} is a symbolic link: the link is copied, not what it points to",
        f"Name {shown(real)} in `paths`.",
    )


def _listed(paths: tuple[str, ...] | list[str]) -> str:
    return ", ".join(map(shown, paths))
