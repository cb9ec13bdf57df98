"""How work in hand tells how far it is, and learns that it should stop."""

from __future__ import annotations

from typing import Literal, Protocol


class Progress(Protocol):
    """Told by long work; implementations show it, keep it, or both."""

    def phase(self, name: str) -> None:
        """A new part of the work begins: "dump", "copy", "fingerprint", "restore"."""

    def moved(self, done: int, total: int | None = None) -> None:
        """So many bytes of this phase are done; `total` None where the end cannot be foreseen."""

    def note(self, text: str, level: Literal["info", "warning", "error"] = "info") -> None:
        """A line for the run's log; redacted before it is kept."""

    def check(self) -> None:
        """Return at once, or raise Cancelled when somebody asked this work to stop. Cheap; call it often.

        Raises Leaving when the program itself ends: no error, and not to be caught.
        """


class Silent:
    """Progress that nobody watches and nobody stops."""

    def phase(self, name: str) -> None:
        return None

    def moved(self, done: int, total: int | None = None) -> None:
        return None

    def note(self, text: str, level: Literal["info", "warning", "error"] = "info") -> None:
        return None

    def check(self) -> None:
        return None
