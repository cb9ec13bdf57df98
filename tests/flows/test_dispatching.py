"""Which of the waiting runs are admitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from backstay.domain.estate import Estate, Host, Link, Pattern, Pool
from backstay.domain.runs import Run
from backstay.flows.adapters import Adapters
from backstay.flows.dispatching import Dispatcher
from backstay.flows.limits import Limits
from backstay.flows.traffic import Traffic
from backstay.planning.live import kneeguard
from backstay.planning.objectives import Standing, standing
from backstay.ports.catalog import Facts, Measured
from backstay.ports.kind import Kind
from backstay.ports.probe import Probe
from flows.small_estate import SmallEstate, small_estate
from planning.estates import a_point


class Idle:
    """A machine whose processors have nothing else to do."""

    def sample(self) -> float | None:
        return 0.0


@pytest.fixture
def many(tmp_path: Path) -> Iterator[SmallEstate]:
    """Twelve workloads that share this machine, which takes two at a time, and a target, which takes three."""
    with small_estate(tmp_path) as house:
        first = house.workloads.pop("w")
        for number in range(12):
            house.workloads[f"w{number:02}"] = replace(first, name=f"w{number:02}")
        yield house


def dispatcher(
    house: SmallEstate,
    workflow: Pattern = "auto",
    pools: Sequence[Pool] = (),
    estate: Estate | None = None,
    processors: Probe | None = None,
    volume: int = 0,
) -> Dispatcher:
    estate = replace(estate or house.estate(), workflow=workflow, pools={pool.name: pool for pool in pools})
    limits = Limits(estate, house.clock)
    adapters = replace(house.adapters(), estate=estate, limits=limits, traffic=Traffic(house.clock, limits))
    now = house.clock.now()
    last = Measured(10.0, volume or None, 8.0 if volume else None)
    stands = {name: standing(each, Facts(), [last], now) for name, each in house.workloads.items()}
    return Dispatcher(adapters, lambda: stands, processors or Idle())


def asked(house: SmallEstate, *names: str) -> list[Run]:
    now = house.clock.now()
    return [
        house.catalog.add_run(Run(f"run-{name}", name, "memory", "vault", "full", now, "asked for")) for name in names
    ]


def test_no_more_start_than_this_machine_has_slots(many: SmallEstate) -> None:
    runs = asked(many, *many.workloads)
    admitted = dispatcher(many, "parallel").admitted(runs, [])
    assert len(admitted) == 2
    others = [run for run in runs if run not in admitted]
    assert dispatcher(many, "parallel").admitted(others, admitted) == []
    assert len(dispatcher(many, "parallel").admitted(others, admitted[:1])) == 1


@dataclass
class Pressed:
    """A machine on whose processors something waits for this part of the time."""

    part: float

    def sample(self) -> float | None:
        return self.part


def turns(judge: Dispatcher, waiting: Sequence[Run], count: int) -> list[int]:
    """How many more start at each look while none ends."""
    running, started = list[Run](), []
    for _ in range(count):
        fresh = judge.admitted([run for run in waiting if run not in running], running)
        running += fresh
        started.append(len(fresh))
    return started


def behind_a_link(house: SmallEstate, hosts: int) -> Estate:
    """The workloads on so many hosts, which take four at a time, as their target does."""
    for place, name in enumerate(house.workloads):
        house.change(name, host=f"h{place % hosts}")
    estate = house.estate()
    there = {f"h{place}": Host(f"h{place}", "ssh://h", slots=4) for place in range(hosts)}
    link = Link("wan", 1_000_000_000, {}, tuple(there))
    targets = {"vault": replace(estate.targets["vault"], slots=12)}
    return replace(estate, hosts=there, links={"wan": link}, targets=targets, job_share=0.1)


def test_one_job_at_a_time_begins_on_a_host_and_two_at_a_site(many: SmallEstate) -> None:
    judge = dispatcher(many, estate=behind_a_link(many, 3))
    assert turns(judge, asked(many, *many.workloads), 3) == [2, 2, 2]
    one_host = dispatcher(many, estate=behind_a_link(many, 1))
    assert turns(one_host, asked(many, *many.workloads), 3) == [1, 1, 1]


@pytest.mark.parametrize(("pressure", "at_a_look"), [(0.0, 2), (0.3, 1), (0.9, 1)])
def test_fewer_begin_while_this_machine_has_its_hands_full_but_never_none(
    many: SmallEstate, pressure: float, at_a_look: int
) -> None:
    judge = dispatcher(many, estate=behind_a_link(many, 3), processors=Pressed(pressure))
    assert turns(judge, asked(many, *many.workloads), 3) == [at_a_look] * 3


def test_none_begins_with_full_hands_while_another_is_being_opened(many: SmallEstate) -> None:
    judge = dispatcher(many, estate=behind_a_link(many, 3), processors=Pressed(0.9), volume=100_000_000)
    assert turns(judge, asked(many, *many.workloads), 3) == [1, 0, 0]
    idle = dispatcher(many, estate=behind_a_link(many, 3), volume=100_000_000)
    assert turns(idle, asked(many, *many.workloads), 3) == [2, 1, 0]  # one on each host


class Streamed:
    """A kind of which no more than this is asked here: its snapshots carry no seal, for they are streams."""

    sealed = False


@pytest.mark.parametrize(("age_h", "first"), [(0.1, ["w11", "w00"]), (0.99, ["w00", "w01"])])
def test_streams_from_hosts_begin_first_unless_a_promise_is_near(
    many: SmallEstate, age_h: float, first: list[str]
) -> None:
    estate = behind_a_link(many, 12)
    limits = Limits(estate, many.clock)
    adapters = replace(many.adapters(), estate=estate, limits=limits, traffic=Traffic(many.clock, limits))
    far = replace(adapters.here, kinds={"files": cast(Kind, Streamed())})
    adapters = replace(adapters, source_site=lambda each: far if each.name == "w11" else adapters.here)
    stands = aged(many, age_h, volume=5_000_000_000)
    started = Dispatcher(adapters, lambda: stands, Idle()).admitted(asked(many, *many.workloads), [])
    assert [run.workload for run in started] == first


def test_serial_is_one_at_a_time(many: SmallEstate) -> None:
    runs = asked(many, *many.workloads)
    (first,) = dispatcher(many, "serial").admitted(runs, [])
    assert dispatcher(many, "serial").admitted([run for run in runs if run is not first], [first]) == []


def test_a_pool_holds_back_its_kinds(many: SmallEstate) -> None:
    runs = asked(many, *many.workloads)
    assert len(dispatcher(many, "parallel", [Pool("files", 1, kinds=("files",))]).admitted(runs, [])) == 1


def test_what_another_waits_for_goes_first_and_the_other_when_that_has_ended(many: SmallEstate) -> None:
    many.change("w00", after=("w05",))
    first, second = asked(many, "w00", "w05")
    judge = dispatcher(many)
    assert judge.admitted([first, second], []) == [second]
    assert judge.admitted([first], [second]) == []
    assert judge.admitted([first], []) == [first]


def test_a_run_whose_workload_has_left_the_file_is_admitted_to_be_told_so(many: SmallEstate) -> None:
    (run,) = asked(many, "gone")
    assert dispatcher(many).admitted([run], []) == [run]


def test_everything_is_admitted_in_the_end(many: SmallEstate) -> None:
    waiting, running, turns = asked(many, *many.workloads), list[Run](), 0
    judge = dispatcher(many)
    while waiting:
        running = [*running[1:], *judge.admitted(waiting, running[1:])]
        waiting = [run for run in waiting if run not in running]
        turns += 1
        assert turns < 20


def aged(house: SmallEstate, hours: float, volume: int | None = None) -> dict[str, Standing]:
    """Each workload with a point of that age; an hour is owed, and a backup takes ten seconds."""
    now = house.clock.now()
    as_of = now - timedelta(hours=hours)
    return {
        name: standing(
            each, Facts(last_point=a_point(name, as_of)), [Measured(10.0, volume, 8.0 if volume else None)], now
        )
        for name, each in house.workloads.items()
    }


@pytest.mark.parametrize("workflow", ["parallel", "auto"])
def test_nothing_starts_over_a_link_that_is_closed_at_this_hour_and_its_log_says_so(
    many: SmallEstate, workflow: Pattern
) -> None:
    link = Link("wan", 1_000_000, {"00:00-12:00": 0, "12:00-00:00": 0}, ("vault",))
    estate = replace(many.estate(), workflow=workflow, links={"wan": link})
    adapters = replace(many.adapters(), estate=estate, limits=Limits(estate, many.clock))
    judge = Dispatcher(adapters, lambda: aged(many, 0.1, volume=1_000_000), Idle())
    runs = asked(many, *many.workloads)
    assert judge.admitted(runs, []) == judge.admitted(runs, []) == []
    (note,) = adapters.catalog.notes(runs[0].run_id)
    assert note.text == "waits until link wan carries something again"
    assert all(capacity > 0 for capacity in adapters.limits().values())  # what runs already has a rate


def halved(house: SmallEstate, stands: Mapping[str, Standing]) -> tuple[Dispatcher, Adapters]:
    """Production has this machine's four streams cut to one."""
    adapters = replace(house.adapters(), estate=replace(house.estate(), workflow="parallel"))
    adapters.limits.allow("host:this machine", kneeguard.State(limit=1, resume=4, why="production is slow"))
    return Dispatcher(adapters, lambda: stands, Idle()), adapters


def test_a_run_that_would_miss_its_rpo_goes_before_a_learned_limit_and_its_log_says_so(many: SmallEstate) -> None:
    judge, adapters = halved(many, {**aged(many, 0.1), "w01": aged(many, 0.98)["w01"]})
    other, late, running = asked(many, "w00", "w01", "w02")
    assert judge.admitted([late, other], [running]) == [late]
    (note,) = adapters.catalog.notes(late.run_id)
    assert note.level == "warning"
    assert note.text == "this machine: 2 streams and not 1 (production is slow), or 1 job would miss its RPO"
    assert judge.admitted([other], [running, late]) == []
    assert adapters.catalog.notes(other.run_id) == []


@pytest.mark.parametrize("hours", [0.1, 2.0], ids=["in good time", "its RPO is broken already"])
def test_a_learned_limit_holds_where_waiting_loses_no_rpo(hours: float, many: SmallEstate) -> None:
    judge, _ = halved(many, aged(many, hours))
    running, other = asked(many, "w00", "w01")
    assert judge.admitted([other], [running]) == []


def test_a_first_backup_has_no_rpo_to_lose(many: SmallEstate) -> None:
    now = many.clock.now()
    judge, _ = halved(many, {name: standing(each, Facts(), [], now) for name, each in many.workloads.items()})
    running, other = asked(many, "w00", "w01")
    assert judge.admitted([other], [running]) == []


def test_however_many_would_miss_their_rpo_the_machine_has_no_more_than_it_carried_before(many: SmallEstate) -> None:
    """Its target takes more, and nobody set its slots."""
    judge, adapters = halved(many, aged(many, 0.98))
    adapters.limits.allow("target:vault", kneeguard.State(limit=9))
    assert len(judge.admitted(asked(many, *many.workloads), [])) == 4
