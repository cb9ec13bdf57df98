"""How a kind sees a machine's files: from within, or through stock tools where only programs can be run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from backstay.ports.progress import Progress

from .content import Hash
from .exclude import Excluder
from .manifest import State
from .tree import Entry, Tree


@dataclass(frozen=True, slots=True)
class Standing:
    """What is at a path: whether it is there and can be read, and whether it is a symbolic link."""

    readable: bool
    link: bool


class Content(NamedTuple):
    """What was found inside one entry; where `state` is not KNOWN, it says why nothing was."""

    state: State
    digest: bytes = b""
    target: str | None = None
    attributes: Mapping[str, str] | None = None


class Wanted(NamedTuple):
    """Entries of one folder that must be read."""

    folder: str
    entries: list[tuple[str, Entry]]


class Trees(Protocol):
    """Unavailable if the machine does not answer; SourceFailed if it lacks a tool for this."""

    @property
    def hash(self) -> Hash:
        """By what contents are compared."""

    def knows_attributes(self, progress: Progress) -> bool:
        """Whether extended attributes can be read."""

    def standing(self, paths: Sequence[str], progress: Progress) -> list[Standing]: ...

    def real(self, paths: Sequence[str], progress: Progress) -> list[str]:
        """The same places without symbolic links on the way."""

    def text(self, path: str, progress: Progress) -> str:
        """What is in a small file; empty if it cannot be read."""

    def scan(self, roots: Sequence[str], excluded: Excluder | None, progress: Progress) -> Tree:
        """Every entry at and below `roots`, links not followed; OSError if one of `roots` is not there."""

    def contents(self, wanted: Iterable[Wanted], progress: Progress) -> Iterator[Mapping[str, Content]]:
        """For each folder, in order, what is inside its wanted entries, by name: CHANGED where an entry is not, or did
        not stay, what was seen."""
