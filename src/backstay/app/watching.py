"""How far the work in hand is, for the terminal of this process and, through the catalog, for every other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from backstay.domain.errors import Cancelled
from backstay.domain.runs import RunNote, RunProgress
from backstay.domain.stopping import Leaving
from backstay.ports.catalog import Catalog
from backstay.ports.clock import Clock
from backstay.ports.progress import Progress
from backstay.ports.secrets import Secrets

BEAT_S = 5.0
"""Between two writes of a run's progress to the catalog."""

ASK_S = 0.5
"""Between two looks whether a run should stop."""

Show = Callable[[str, str, int | None, int | None], None]
Say = Callable[[str], None]


class Watch:
    """Progress of runs and drills. `show` is called at every step with the subject, the phase, bytes done and total;
    `say` with a sentence for the person who waits. While `leaving` is set, every run is let go.
    """

    def __init__(
        self, catalog: Catalog, clock: Clock, secrets: Secrets, show: Show | None = None, say: Say | None = None
    ) -> None:
        self.catalog = catalog
        self.clock = clock
        self.secrets = secrets
        self.show = show
        self.say = say
        self.leaving = threading.Event()

    def progress(self, run_id: str) -> Progress:
        """The progress of one run: beats and notes are kept, a cancel request stops it."""
        run = self.catalog.run(run_id)
        return RunWatch(self, run_id, run.workload if run else run_id, run.stop_at if run else None)

    def drill(self, subject: str) -> Progress:
        """The progress of work that is not a run: shown here, kept nowhere; an interrupt reaches it by itself."""
        return PassingWatch(self, subject)


class PassingWatch:
    """Progress that is only shown."""

    def __init__(self, watch: Watch, subject: str) -> None:
        self._watch = watch
        self._subject = subject
        self._phase = ""

    def phase(self, name: str) -> None:
        self._phase = name
        self.moved(0)

    def moved(self, done: int, total: int | None = None) -> None:
        if self._watch.show:
            self._watch.show(self._subject, self._phase, done or None, total)

    def note(self, text: str, level: Literal["info", "warning", "error"] = "info") -> None:
        return None

    def check(self) -> None:
        return None


class RunWatch(PassingWatch):
    """Progress of a run: shown, kept, and stopped when the catalog or the end of its window says so."""

    def __init__(self, watch: Watch, run_id: str, workload: str, stop_at: datetime | None) -> None:
        super().__init__(watch, workload)
        self._run_id = run_id
        self._stop_at = stop_at
        self._beaten = self._asked = float("-inf")

    def moved(self, done: int, total: int | None = None) -> None:
        super().moved(done, total)
        now = self._watch.clock.elapsed()
        if now - self._beaten >= BEAT_S:
            self._beaten = now
            at = self._watch.clock.now()
            self._watch.catalog.beat(RunProgress(self._run_id, at, self._phase, done or None, total))

    def note(self, text: str, level: Literal["info", "warning", "error"] = "info") -> None:
        redacted = self._watch.secrets.redact(text)
        self._watch.catalog.note(RunNote(self._run_id, self._watch.clock.now(), level, redacted))

    def check(self) -> None:
        if self._watch.leaving.is_set():
            raise Leaving
        now = self._watch.clock.elapsed()
        if now - self._asked >= ASK_S:
            self._asked = now
            if self._watch.catalog.cancel_requested(self._run_id):
                raise Cancelled("stopped by request", subject=self._run_id)
            if self._stop_at is not None and self._watch.clock.now() >= self._stop_at:
                hint = "It goes on when its window opens again; what was sent is not sent twice."
                raise Cancelled("stopped: its window has closed", subject=self._run_id, hint=hint)
