"""A stream taken no faster than its job may send it on: what is read of a far source crosses the same links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from backstay.ports.clock import Clock

_PIECE = 16 * 1024
"""Bytes that are taken at a stroke; on a link of 23 Mbit/s they take 6 ms."""


def paced(chunks: Iterable[bytes], bytes_per_s: Callable[[], float], clock: Clock) -> Iterator[bytes]:
    """The same bytes, in pieces, at a rate that is asked for again at each piece.

    What was not taken in time is not caught up: others on the link would feel it.
    """
    due = clock.elapsed()
    for chunk in chunks:
        for at in range(0, len(chunk), _PIECE):
            piece = chunk[at : at + _PIECE]
            now = clock.elapsed()
            if due > now:
                clock.sleep(due - now)
            due = max(due, now) + len(piece) / bytes_per_s()
            yield piece
