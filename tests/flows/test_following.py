"""Another estate file while runs are under way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import pytest

from backstay.domain.estate import Here, Link
from backstay.domain.runs import Run
from backstay.flows.backup import BackupFlow
from backstay.flows.dispatching import Dispatcher
from backstay.flows.following import FollowingFlow
from backstay.flows.limits import Limits
from backstay.flows.records import Ticket
from backstay.planning.live.kneeguard import State
from backstay.planning.network import host_key
from backstay.planning.objectives import standing
from backstay.ports.catalog import Facts
from backstay.ports.progress import Silent
from flows.small_estate import SmallEstate, small_estate
from flows.test_dispatching import Idle

WAN = Link("wan", 1000, {}, ("vault",))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[SmallEstate]:
    with small_estate(tmp_path) as house:
        yield house


def asked(house: SmallEstate, *names: str) -> list[Run]:
    now = house.clock.now()
    return [house.catalog.add_run(Run(f"run-{name}", name, "memory", "vault", "full", now, "due")) for name in names]


def test_a_run_ends_by_the_file_under_which_it_was_begun(house: SmallEstate) -> None:
    before, after = house.adapters(), replace(house.adapters(), estate=replace(house.estate(), workloads={}))
    (run,) = asked(house, "w")
    flow = FollowingFlow(BackupFlow(before))
    prepared = flow.prepare(flow.admit(Ticket(run.run_id)))
    flow.follow(after)
    assert flow.finish(flow.copy(prepared)).result == "done"
    again = house.catalog.add_run(replace(run, run_id="again"))
    assert "w is not in the estate file" in str(flow.prepare(flow.admit(Ticket(again.run_id))).stopped)


@dataclass
class Held(Silent):
    """Says that it copies, and goes on when it may."""

    copying: Event
    may: Event

    def phase(self, name: str) -> None:
        if name == "copy":
            self.copying.set()
            assert self.may.wait(20)


def test_two_files_do_not_make_two_copies_of_one_workload_at_a_time(house: SmallEstate) -> None:
    old, new = Held(Event(), Event()), Held(Event(), Event())
    (run,) = asked(house, "w")
    house.catalog.add_run(replace(run, run_id="again"))
    flow = FollowingFlow(BackupFlow(replace(house.adapters(), progress=lambda _: old)))
    first = flow.prepare(flow.admit(Ticket(run.run_id)))
    flow.follow(replace(house.adapters(), progress=lambda _: new))
    second = flow.prepare(flow.admit(Ticket("again")))
    with ThreadPoolExecutor(2) as hands:
        copied = [hands.submit(flow.copy, first)]
        assert old.copying.wait(20)
        copied.append(hands.submit(flow.copy, second))
        assert not new.copying.wait(0.5)
        old.may.set()
        assert new.copying.wait(20)
        new.may.set()
        assert [each.result().stopped for each in copied] == [None, None]


def test_what_the_new_file_names_is_limited_at_once_and_what_it_leaves_out_stays_so(house: SmallEstate) -> None:
    limits = Limits(replace(house.estate(), links={"wan": WAN}), house.clock)
    assert limits()["link:wan"] == 900
    limits.follow(replace(house.estate(), links={"lan": replace(WAN, name="lan", capacity=500)}))
    assert (limits()["link:lan"], limits()["link:wan"]) == (450, 900)
    limits.follow(replace(house.estate(), links={"wan": replace(WAN, capacity=100)}))
    assert limits()["link:wan"] == 90


def test_slots_that_the_new_file_gives_go_before_learned_ones_and_others_stay(house: SmallEstate) -> None:
    limits = Limits(house.estate(), house.clock)
    limits.allow(host_key(None), State(limit=7))
    limits.allow("target:vault", State(limit=9))
    limits.follow(replace(house.estate(), here=Here(slots=1)))
    assert (limits.resources()[host_key(None)].slots, limits.resources()["target:vault"].slots) == (1, 9)


def test_a_run_whose_workload_has_left_the_file_still_holds_its_slots(house: SmallEstate) -> None:
    first = house.workloads["w"]
    house.workloads |= {name: replace(first, name=name) for name in ("a", "b", "c")}
    now = house.clock.now()
    stands = {name: standing(each, Facts(), (), now) for name, each in house.workloads.items()}
    judge = Dispatcher(
        replace(house.adapters(), estate=replace(house.estate(), workflow="parallel")), lambda: stands, Idle()
    )
    waiting = asked(house, "a", "b")
    running = judge.admitted(waiting, [])
    assert running == waiting
    left = replace(house.estate(), workflow="parallel", workloads={"c": house.workloads["c"]})
    judge.follow(replace(house.adapters(), estate=left), lambda: {"c": stands["c"]})
    (third,) = asked(house, "c")
    assert judge.admitted([third], running) == []
    assert judge.admitted([third], []) == [third]
