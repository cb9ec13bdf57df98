"""A door to one repository for one running job: every byte passes it, at a rate that can be changed at any moment."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal, Protocol

from backstay.domain.estate import Target
from backstay.domain.secrets import Secret

Access = Literal["append", "full"]


class Gateway(Protocol):
    """Promises: only this repository's folder lies behind it; `append` refuses to delete or replace what is stored
    (locks excepted); a stranger without its credential gets nothing; should its server die, it is replaced behind the
    same address, and the engine's own retries carry the work over."""

    @property
    def port(self) -> int:
        """Where it listens, on this machine's loopback."""

    def address(self, port: int | None = None) -> Secret:
        """http://name:word@127.0.0.1:port/ for an engine here, or on a host where another `port` leads to it."""

    def limit(self, bytes_per_s: float | None) -> None:
        """From now on at most so much, in both directions together, evenly; in force when this returns. None takes the
        limit away; at 0 nothing passes, which a target's server bears for half a minute."""

    def passed(self) -> int:
        """Bytes of both directions since it was opened."""

    def check(self) -> None:
        """Raise MachineLacks when the target has no room left: an engine only hears that something went wrong, and
        tries again for a quarter of an hour."""


class Gateways(Protocol):
    """Opens doors. Unavailable if the target does not answer; MachineLacks if a program for it is missing."""

    def open(
        self, target: Target, engine: str, name: str, *, access: Access, bytes_per_s: float | None = None
    ) -> AbstractContextManager[Gateway]:
        """A door to the repository `<url>/<engine>/<name>`, gone with its credential when the context is left."""
