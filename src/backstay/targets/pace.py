"""How many bytes may pass at a moment, so that a rate is kept evenly; pure."""

from __future__ import annotations

from math import inf

_TURN_S = 0.01
"""Bytes pass in turns of so many seconds' worth: finer costs processor time, coarser is felt by others on the link."""

_BURST_S = 0.05
"""The most that is caught up after a pause or a delay of ours, in seconds' worth of the rate."""


class Pace:
    """A bucket of tokens, one a byte. `now` is seconds from a fixed start, and never goes back."""

    def __init__(self, bytes_per_s: float | None, now: float) -> None:
        self._rate = inf
        self._tokens = 0.0
        self._filled_at = now
        self.change(bytes_per_s, now)

    def change(self, bytes_per_s: float | None, now: float) -> None:
        """Another rate from now on, None for no limit; what was saved up under the old one is worth no more than a
        burst of the new."""
        self._fill(now)
        self._rate = inf if bytes_per_s is None else bytes_per_s
        self._tokens = 0.0 if self._rate == inf else min(self._tokens, self._rate * _BURST_S)

    def allowance(self, now: float, most: int) -> int:
        """How many of `most` bytes may pass; none before a whole turn's worth is there."""
        if self._rate == inf:
            return most
        self._fill(now)
        return min(most, int(self._tokens)) if self._tokens >= self._turn() else 0

    def took(self, count: int) -> None:
        """So many passed."""
        if self._rate != inf:
            self._tokens -= count

    def wait_s(self) -> float:
        """Seconds until the next turn, counted from the last look; infinite while nothing may pass."""
        if self._rate == inf:
            return 0.0
        return max(self._turn() - self._tokens, 0.0) / self._rate if self._rate else inf

    def _turn(self) -> float:
        return max(self._rate * _TURN_S, 1.0)

    def _fill(self, now: float) -> None:
        if self._rate != inf:
            burst = max(self._rate * _BURST_S, 1.0)
            self._tokens = min(self._tokens + self._rate * (now - self._filled_at), burst)
        self._filled_at = now
