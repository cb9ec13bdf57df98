"""Trees on a machine where only its stock tools can be run: GNU findutils and coreutils, getfattr if it is there."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from backstay.domain.errors import SourceFailed
from backstay.ports.progress import Progress
from backstay.ports.runner import Runner

from . import listing, reading
from .asking import ask, missing_programs
from .content import Hash
from .exclude import Excluder
from .tree import ROOTS, Tree
from .trees import Content, Standing, Wanted

PROGRAMS = ("find", "sha256sum", "stat", "readlink", "timeout", "xargs", "base64")
_STANDING = """
for one; do
  if [ -L "$one" ]; then echo link
  elif [ -d "$one" ]; then [ -r "$one" ] && [ -x "$one" ] && echo there || echo closed
  elif [ -f "$one" ]; then [ -r "$one" ] && echo there || echo closed
  elif [ -e "$one" ]; then echo there
  else echo gone
  fi
done"""

_ENTRIES, _BYTES = 5_000, 1 << 30
"""Most of one group that is read together: each costs three commands, and a stop loses what it had read."""


class StockTrees:
    """Costs some commands a pass, whatever the tree's size. Reading a file may change its access time, which stock
    tools cannot prevent. What is excluded is listed nevertheless, and left out here.
    """

    hash: Hash = "sha256"

    def __init__(self, runner: Runner, patience_s: float = reading.PATIENCE_S) -> None:
        self._runner = runner
        self._patience_s = patience_s
        self._attributes: bool | None = None
        self._equipped = False

    def knows_attributes(self, progress: Progress) -> bool:
        if self._attributes is None:
            self._attributes = not missing_programs(self._runner, ("getfattr",), progress)
        return self._attributes

    def standing(self, paths: Sequence[str], progress: Progress) -> list[Standing]:
        self._require_programs(progress)
        said = ask(self._runner, ("sh", "-c", _STANDING, "sh"), paths, progress).out.split()
        return [Standing(one in (b"there", b"link"), one == b"link") for one in said]

    def _require_programs(self, progress: Progress) -> None:
        """Looked for until they are there: each look is a session on the host."""
        if not self._equipped and (lacking := missing_programs(self._runner, PROGRAMS, progress)):
            raise SourceFailed(
                f"{', '.join(lacking)} not installed on the machine of the source",
                hint="Install GNU findutils and coreutils there.",
            )
        self._equipped = True

    def real(self, paths: Sequence[str], progress: Progress) -> list[str]:
        return list(ask(self._runner, ("readlink", "-z", "-m", "--"), paths, progress).fields())

    def text(self, path: str, progress: Progress) -> str:
        return os.fsdecode(ask(self._runner, ("cat", "--"), (path,), progress).out)

    def scan(self, roots: Sequence[str], excluded: Excluder | None, progress: Progress) -> Tree:
        chosen = [root for root in roots if not (excluded and excluded(root))]
        tree = listing.scan(self._runner, chosen, excluded, progress)
        for root in chosen:
            if root not in tree.folders[ROOTS].names:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), root)
        return tree

    def contents(self, wanted: Iterable[Wanted], progress: Progress) -> Iterator[Mapping[str, Content]]:
        for group in _grouped(wanted):
            entries = {os.path.join(folder, name): entry for folder, names in group for name, entry in names}
            digests = reading.digests(self._runner, entries, self._patience_s, progress)
            attributes = reading.attributes(self._runner, entries, progress) if self.knows_attributes(progress) else {}
            # Last, so that it tells of every change until then.
            now = reading.looks(self._runner, entries, progress)
            found = {path: reading.content(path, one, digests, attributes, now) for path, one in entries.items()}
            for folder, names in group:
                yield {name: found[os.path.join(folder, name)] for name, _ in names}


def _grouped(wanted: Iterable[Wanted]) -> Iterator[list[Wanted]]:
    """Whole folders together, until there are many entries or bytes in them."""
    group: list[Wanted] = []
    entries = size = 0
    for one in wanted:
        group.append(one)
        entries += len(one.entries)
        size += sum(entry.size for _, entry in one.entries if entry.is_file)
        if entries >= _ENTRIES or size >= _BYTES:
            yield group
            group, entries, size = [], 0, 0
    yield group
