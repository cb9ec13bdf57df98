"""Durable execution: work that was asked for is done, once, whatever dies on the way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from backstay.domain.errors import BackstayError

WorkState = Literal["unknown", "waiting", "running", "ended"]


class Workflows(Protocol):
    """The narrow door to the durable runtime. Only runs are known here, by `run_id`.

    There is no cancel: the runtime would call work cancelled that still runs. A run is asked to stop through the
    catalog, and ends when its child is gone.
    """

    def submit(self, run_ids: Sequence[str]) -> None:
        """Queue runs that the catalog knows, in this order. Submitting one again changes nothing."""

    def recover(self) -> int:
        """Take up again what this executor left unfinished; how many runs that were."""

    def prune(self, before: datetime) -> int:
        """Drop the runtime's own rows of runs that ended earlier; the catalog's stay. How many these were."""

    def status(self, run_id: str) -> WorkState: ...

    def wait(self, seconds: float) -> None:
        """Until a run has ended since the last wait was over, for so long at most."""

    def failure(self, run_id: str) -> BackstayError | None:
        """Why the runtime has ended a run that never reached its own end; None if it has not."""

    def close(self) -> None:
        """Stop taking work, once nothing is in hand; what was let go is taken up again at the next start."""
