"""How a step waits for what does not answer, by a clock that only moves when somebody waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from backstay.domain.errors import Cancelled, NotAdmitted, Unavailable
from backstay.domain.runs import Run
from backstay.flows.aside import LOOK_S, Aside
from backstay.flows.waiting import LONGEST_WAIT_S, WORTH_S, patiently
from backstay.flows.work import looked_up
from backstay.ports.progress import Silent
from flows.small_estate import SmallEstate

START = datetime(2026, 3, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Pretended(Silent):
    """A clock, and the progress of a run that is stopped at `stop_s`; each try takes `takes_s`, up to `back_s` in
    vain."""

    back_s: float = float("inf")
    takes_s: float = 0.0
    stop_s: float = float("inf")
    error: Unavailable = field(default_factory=lambda: Unavailable("app1 does not answer", hint="Look at it."))
    passed: float = 0.0
    tries: list[float] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    def elapsed(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds

    def check(self) -> None:
        if self.passed >= self.stop_s:
            raise Cancelled("enough")

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def note(self, text: str, level: object = "info") -> None:
        self.notes.append(text)

    def step(self) -> str:
        self.tries.append(self.passed)
        self.passed += self.takes_s
        if self.passed < self.back_s:
            raise self.error
        return "done"


class _AlwaysRoom(Aside):
    """Whoever wants to come back is admitted at once."""

    def ready(self, run_id: str) -> bool:
        return False


ALWAYS_ROOM = _AlwaysRoom()

Wait = Callable[..., str]


@pytest.fixture
def wait(house: SmallEstate) -> Wait:
    """Do the step of a pretended run, which is due and owes a point a day unless it is changed."""

    def waited(
        pretended: Pretended, *, answered: bool = True, aside: Aside | None = ALWAYS_ROOM, **changes: object
    ) -> str:
        house.change(policy=replace(house.workloads["w"].owed, rpo=DAY))
        due = Run("r1", "w", "memory", "vault", "full", START, "must start by then to keep its RPO")
        adapters = replace(house.adapters(), clock=pretended)
        run = replace(due, **changes)  # type: ignore[arg-type]  # by name
        work = replace(looked_up(adapters, run), progress=pretended)
        return patiently(adapters, work, pretended.step, answered=answered, aside=aside)

    return waited


def test_waits_grow_up_to_five_minutes_until_it_answers(wait: Wait) -> None:
    pretended = Pretended(back_s=1700)
    assert wait(pretended) == "done"
    gaps = [round(later - earlier, 3) for earlier, later in pairwise(pretended.tries)]
    assert len(gaps) < 15
    assert gaps == sorted(gaps)
    assert 1 <= gaps[0] <= 2
    assert max(gaps) == LONGEST_WAIT_S


def test_it_gives_up_in_time_with_a_last_try_at_the_very_end_and_says_how_often_it_tried(wait: Wait) -> None:
    pretended = Pretended()
    with pytest.raises(Unavailable, match="app1 does not answer") as given_up:
        wait(pretended)
    assert pretended.tries[-1] == pretended.passed == pytest.approx(30 * 60)
    assert given_up.value.hint == f"Look at it. It was tried {len(pretended.tries)} times in 1800 s."


def test_nothing_is_tried_once_the_window_closes(wait: Wait) -> None:
    pretended = Pretended(takes_s=20)
    closes = START + timedelta(minutes=10)
    with pytest.raises(Unavailable):
        wait(pretended, start_by=closes)
    assert len(pretended.tries) > 3
    assert START + timedelta(seconds=pretended.tries[-1]) < closes


def test_somebody_who_asked_by_name_hears_of_it_within_seconds_and_later_within_a_minute(wait: Wait) -> None:
    for answered, least, most in ((False, 3, 6), (True, 55, 61)):
        pretended = Pretended()
        with pytest.raises(Unavailable):
            wait(pretended, reason="asked for", answered=answered)
        assert 3 <= len(pretended.tries) <= 8
        assert least < pretended.passed < most


def test_what_is_waited_for_is_told_with_the_time_of_the_next_try_in_the_estates_own_time(wait: Wait) -> None:
    pretended = Pretended(back_s=1)
    wait(pretended)
    assert pretended.phases == pretended.notes
    assert pretended.phases[0].startswith("app1 does not answer; next try 01:00:0")
    assert pretended.phases[0].endswith(", until 01:30:00")


def test_a_wish_to_stop_ends_a_wait_at_once(wait: Wait) -> None:
    pretended = Pretended(stop_s=400)
    with pytest.raises(Cancelled):
        wait(pretended)
    assert pretended.passed <= 400 + LOOK_S


def test_what_time_does_not_cure_is_not_tried_again(wait: Wait) -> None:
    pretended = Pretended(error=NotAdmitted("app1 shows another key", hint="Look at it."))
    with pytest.raises(NotAdmitted) as refused:
        wait(pretended)
    assert (pretended.tries, refused.value.hint) == ([0.0], "Look at it.")


def test_whoever_cannot_step_aside_gives_up_within_a_minute(wait: Wait) -> None:
    pretended = Pretended()
    with pytest.raises(Unavailable):
        wait(pretended, aside=None)
    assert 55 < pretended.passed < 61


def test_a_long_wait_is_spent_aside_and_a_try_only_when_there_is_room_again(wait: Wait) -> None:
    aside = Aside()
    tries: list[bool] = []

    class Watched(Pretended):
        def step(self) -> str:
            tries.append("r1" in aside)
            return super().step()

        def moved(self, done: int, total: int | None = None) -> None:
            waits = self.passed - self.tries[-1]
            assert "r1" in aside or waits < WORTH_S
            if aside.ready("r1"):
                aside.admit("r1")

    assert wait(Watched(back_s=300), aside=aside) == "done"
    assert len(tries) > 5
    assert not any(tries)


def test_whoever_finds_no_room_any_more_gives_up_when_its_window_closes(wait: Wait) -> None:
    class NoRoom(Pretended):
        def moved(self, done: int, total: int | None = None) -> None:
            self.passed += 5.0  # in which it waits for room

    aside, pretended = Aside(), NoRoom()
    with pytest.raises(Unavailable, match="app1 does not answer"):
        wait(pretended, aside=aside, start_by=START + timedelta(minutes=1))
    assert pretended.tries[-1] < 45
    assert 45 <= pretended.passed < 60
    assert not aside.ready("r1")
