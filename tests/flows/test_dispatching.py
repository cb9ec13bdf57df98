"""Which of the waiting runs are admitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from backstay.domain.estate import Pattern, Pool
from backstay.domain.runs import Run
from backstay.flows.dispatching import Dispatcher
from backstay.flows.limits import Limits
from backstay.planning.objectives import standing
from backstay.ports.catalog import Facts, Measured
from flows.small_estate import SmallEstate, small_estate


@pytest.fixture
def many(tmp_path: Path) -> Iterator[SmallEstate]:
    """Twelve workloads that share this machine, which takes two at a time, and a target, which takes three."""
    with small_estate(tmp_path) as house:
        first = house.workloads.pop("w")
        for number in range(12):
            house.workloads[f"w{number:02}"] = replace(first, name=f"w{number:02}")
        yield house


def dispatcher(house: SmallEstate, workflow: Pattern = "auto", pools: Sequence[Pool] = ()) -> Dispatcher:
    estate = replace(house.estate(), workflow=workflow, pools={pool.name: pool for pool in pools})
    adapters = replace(house.adapters(), estate=estate, limits=Limits(estate, house.clock))
    now = house.clock.now()
    stands = {name: standing(each, Facts(), [Measured(10.0)], now) for name, each in house.workloads.items()}
    return Dispatcher(adapters, lambda: stands)


def asked(house: SmallEstate, *names: str) -> list[Run]:
    now = house.clock.now()
    return [
        house.catalog.add_run(Run(f"run-{name}", name, "memory", "vault", "full", now, "asked for")) for name in names
    ]


def test_no_more_start_than_this_machine_has_slots(many: SmallEstate) -> None:
    runs = asked(many, *many.workloads)
    admitted = dispatcher(many).admitted(runs, [])
    assert len(admitted) == 2
    others = [run for run in runs if run not in admitted]
    assert dispatcher(many).admitted(others, admitted) == []
    assert len(dispatcher(many).admitted(others, admitted[:1])) == 1


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
