"""A machine on which sources lie: this one, or one that is reached from here."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from .runner import Runner


class Machine(Protocol):
    """Unavailable when it does not answer, refuses the account or shows an unknown key.

    What was started there for a run is gone within 30 s after the way to it is cut.
    """

    @property
    def name(self) -> str | None:
        """As the estate calls it; None is this machine."""

    @property
    def runner(self) -> Runner: ...

    def staging(self, workload: str, target: str) -> AbstractContextManager[str]:
        """A private folder there, whose path is the same at every run of that workload; empty when entered, gone when
        left."""

    def write(self, path: str, content: bytes) -> None:
        """A small file there, mode 0600, its folder being there already."""

    def reach(self, port: int) -> AbstractContextManager[int]:
        """A port on that machine's loopback that leads to `port` on ours while the context is open."""

    def round_trip(self) -> float | None:
        """Seconds for a message there and back, measured now on the way that data takes; None for this machine."""

    def give_way(self, yes: bool) -> None:
        """While `yes`, as little as possible of ours is in the way of others on the link to it."""
