"""How a step waits for what does not answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import NoReturn, TypeVar
from zoneinfo import ZoneInfo

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from backstay.domain.errors import BackstayError, InvariantBroken
from backstay.planning.patience import WENT_AWAY, closing, last_try

from .adapters import Adapters
from .aside import LOOK_S, Aside
from .work import Work

LONGEST_WAIT_S = 300.0
"""Between two tries: what comes back is noticed so late at most."""

WORTH_S = 2.0
"""Shorter waits are not worth giving up what is held: it would have to be waited for again."""

T = TypeVar("T")


def patiently(adapters: Adapters, work: Work, step: Callable[[], T], *, answered: bool, aside: Aside | None) -> T:
    """Try again, with growing and random waits, while something does not answer and there is time for it.

    `answered` says whether both ends had answered earlier in this run. Long waits are spent `aside`; without that, the
    run holds what it was admitted to, and gives up within a minute. A wish to stop ends a wait at once.
    """
    waiting = _Waiting(adapters, work, answered, aside)
    return Retrying(
        retry=retry_if_exception(waiting.may_pass),
        wait=waiting.length,
        stop=waiting.over,
        before_sleep=waiting.tell,
        sleep=waiting.sleep,
        retry_error_callback=waiting.give_up,
    )(step)


class _Waiting:
    """The time between the tries of one step; its methods are called by tenacity."""

    def __init__(self, adapters: Adapters, work: Work, answered: bool, aside: Aside | None) -> None:
        self._clock = adapters.clock
        self._zone = ZoneInfo(adapters.estate.timezone)
        self._work = work
        self._answered = answered
        self._aside = aside
        self._growing = wait_exponential_jitter(max=LONGEST_WAIT_S, jitter=1.0)
        self._began = adapters.clock.elapsed()
        self._until: datetime | None = None
        self._error: BackstayError = InvariantBroken("a step is waited for that has not failed")
        self._tries = 0

    @property
    def until(self) -> datetime:
        """When the last try begins at the latest; settled when the first one has failed."""
        if self._until is None:
            now = self._clock.now()
            settled = last_try(self._work.run, self._work.workload.owed.rpo, now, answered=self._answered)
            self._until = settled if self._aside else min(settled, now + WENT_AWAY)
        return self._until

    def may_pass(self, error: BaseException) -> bool:
        """Whether time may cure it."""
        if not (isinstance(error, BackstayError) and error.retry):
            return False
        self._error = error
        self._tries += 1
        return True

    def length(self, state: RetryCallState) -> float:
        """Seconds until the next try; the last one comes when the time is up."""
        left = (self.until - self._clock.now()).total_seconds()
        return max(0.0, min(self._growing(state), left))

    def over(self, state: RetryCallState) -> bool:
        return self._clock.now() >= self.until

    def tell(self, state: RetryCallState) -> None:
        """What is waited for, where people and other programs look."""
        next_at = self._clock.now() + timedelta(seconds=state.upcoming_sleep)
        again, until = (f"{at.astimezone(self._zone):%H:%M:%S}" for at in (next_at, self.until))
        words = f"{self._error.message}; next try {again}, until {until}"
        self._work.progress.phase(words)
        self._work.progress.note(words, "warning")

    def sleep(self, seconds: float) -> None:
        with ExitStack() as stack:
            if self._aside and seconds >= WORTH_S:
                stack.enter_context(self._aside.stepped(self._work.run.run_id, self._check))
            ends = self._clock.elapsed() + seconds
            while (left := ends - self._clock.elapsed()) > 0:
                self._check()
                self._clock.sleep(min(left, LOOK_S))
        self._work.progress.check()

    def give_up(self, _: RetryCallState | None = None) -> NoReturn:
        """Raise the last error, which then tells how often it was tried."""
        error = self._error
        if self._tries == 1:
            raise error
        tried = f"It was tried {self._tries} times in {self._clock.elapsed() - self._began:.0f} s."
        hint = f"{error.hint.rstrip('.')}. {tried}" if error.hint else tried
        raise type(error)(error.message, **{**error.details(), "hint": hint}) from error

    def _check(self) -> None:
        """Whether it should stop: for room it may have to wait until its window closes. Other programs hear what is
        waited for."""
        self._work.progress.check()
        self._work.progress.moved(0)
        closes = closing(self._work.run)
        if closes is not None and self._clock.now() > closes:
            self.give_up()
