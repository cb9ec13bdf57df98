"""Throwaway folders."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Places(Protocol):
    """Private folders that are gone afterwards, whatever happens; those of dead processes are swept."""

    @property
    def ordinary_user(self) -> str | None:
        """The account for programs that refuse to run as root; None when we are not root."""

    def open(self, purpose: str, *, for_user: str | None = None) -> AbstractContextManager[str]:
        """A new empty folder, mode 0700, owned by `for_user` or us; its path is short enough for a socket in it."""

    def sweep(self) -> int:
        """Remove the folders of processes that are dead, and say how many these were."""
