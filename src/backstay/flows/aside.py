"""Runs that step aside: while they wait for something that does not answer, others may use what they held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

LOOK_S = 0.5
"""Between two looks, while there is no room, whether the run should stop."""


class Aside:
    """Between the threads of the steps, which step aside and want to come back, and that of whoever admits runs."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._aside: set[str] = set()
        self._ready: set[str] = set()

    def __contains__(self, run_id: str) -> bool:
        """Whether the run holds nothing at this moment."""
        with self._changed:
            return run_id in self._aside

    def ready(self, run_id: str) -> bool:
        """Whether it would go on, if it were admitted again."""
        with self._changed:
            return run_id in self._ready

    def admit(self, run_id: str) -> None:
        """It holds what it needs again, and goes on; or it has ended, and is known here no more."""
        with self._changed:
            self._aside.discard(run_id)
            self._ready.discard(run_id)
            self._changed.notify_all()

    @contextmanager
    def stepped(self, run_id: str, check: Callable[[], None]) -> Iterator[None]:
        """The run holds nothing while the context is open; leaving it takes until the run is admitted again.

        `check` is asked meanwhile, and may raise; so may the context: then the run ends without holding anything.
        """
        with self._changed:
            self._aside.add(run_id)
        yield
        with self._changed:
            self._ready.add(run_id)
        try:
            while self.ready(run_id):
                check()
                with self._changed:
                    self._changed.wait_for(lambda: run_id not in self._ready, LOOK_S)
        finally:
            with self._changed:
                self._ready.discard(run_id)
