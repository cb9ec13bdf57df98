"""The files in which a repository lies, seen without its engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Store(Protocol):
    """One repository's folder in a target. Unavailable is raised when the target does not answer."""

    @property
    def location(self) -> str:
        """The address that the engine is given."""

    def exists(self) -> bool:
        """Whether there is anything in it."""

    def prepare(self) -> None:
        """Make the folder if there is none. Unavailable if it cannot be written to, or if the target is not there, so
        that nothing is written beside a mount."""

    def pieces(self, under: str = "") -> Mapping[str, int]:
        """Names relative to the folder, "/"-separated, with sizes in bytes; those below `under` only."""

    def digest(self, name: str) -> str:
        """SHA-256 of one piece, in hex."""
