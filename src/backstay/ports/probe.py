"""How production feels: one cheap measurement at a time, taken where the sources lie or on the way to them."""

from __future__ import annotations

from typing import Protocol


class Probe(Protocol):
    """Promises: an answer within a second, whatever hangs; so little work that once a second nobody notices it."""

    def sample(self) -> float | None:
        """Seconds that one small request took just now, more when production is slow; one second at most, which stands
        for everything longer. None if nothing can be told this time."""
