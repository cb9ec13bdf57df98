"""Several programs on one estate: one executes, the others follow it, and each run leaves one point."""

from __future__ import annotations

import signal
import threading

import pytest

from crashes.slow_estate import SlowEstate, answer_of, end_hard, until

HOLDER = """
import sys, time
from pathlib import Path
from backstay.host.lock import ExecutorLock
Path(sys.argv[1]).mkdir(mode=0o700, exist_ok=True)
assert ExecutorLock(sys.argv[1] + "/executor.lock").try_acquire()
print("held", flush=True)
time.sleep(300)
"""

SUBMITTING_TWICE = """
import sys, time
from backstay.app.executing import executor
from backstay.app.runs import _jobs, requested
from backstay.app.watching import Watch
from backstay.app.wiring import Door, opened

with opened(Door(state=sys.argv[1])) as house:
    watch = Watch(house.catalog, house.clock, house.secrets)
    assert house.lock.try_acquire()
    (run,) = requested(house, _jobs(house, ("quick",), False), None)
    with executor(house, watch) as hands:
        hands.workflows.submit([run.run_id, run.run_id])
        hands.workflows.submit([run.run_id])
        until = time.monotonic() + 60
        while house.catalog.run(run.run_id).result is None and time.monotonic() < until:
            time.sleep(0.05)
        hands.workflows.submit([run.run_id])
        while hands.workflows.status(run.run_id) != "ended" and time.monotonic() < until:
            time.sleep(0.05)
    print(house.catalog.run(run.run_id).attempts)
"""


@pytest.mark.long
def test_runs_asked_for_at_the_same_moment_leave_one_point_each(slow: SlowEstate) -> None:
    slow.let_it_end()
    for first, second in ((["quick"], ["quick"]), (["quick"], ["slow"]), (["--all"], ["--all"])):
        both = [slow.start("run", *names, "--json") for names in (first, second)]
        answers = [answer_of(process) for process in both]
        assert [answer.status for answer in answers] == [0, 0], answers
        known = {run["run_id"]: run["result"] for run in slow.place.ask("runs")["runs"]}
        named = {run["run_id"] for answer in answers for run in answer.document["runs"]}
        assert {known.get(run_id) for run_id in named} == {"done"}, (first, second)
        points = [point.run_id for name in ("quick", "slow") for point in slow.points(name)]
        assert sorted(points) == sorted(known), (first, second)
        assert slow.troubles() == [], (first, second)


@pytest.mark.long
def test_the_same_run_submitted_again_and_again_is_executed_once(slow: SlowEstate) -> None:
    answer = answer_of(slow.python(SUBMITTING_TWICE))
    assert (answer.status, answer.out) == (0, "1\n"), answer
    assert len(slow.points("quick")) == 1
    assert slow.troubles() == []


def test_a_program_that_holds_the_estate_is_named_waited_for_and_replaced_when_it_dies(slow: SlowEstate) -> None:
    holder = slow.python(HOLDER)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    follower = slow.start("run", "quick", "--json")
    assert follower.stderr is not None
    said = follower.stderr.readline()
    assert said.startswith(f"another program works on this estate: pid {holder.pid}, since "), said
    end_hard(holder)
    answer = answer_of(follower)
    assert (answer.status, answer.document["runs"][0]["result"]) == (0, "done"), answer


@pytest.mark.long
def test_a_run_is_followed_while_its_program_stands_still_and_taken_over_when_it_dies(slow: SlowEstate) -> None:
    first = slow.start("run", "slow", "--json")
    slow.producing()
    first.send_signal(signal.SIGSTOP)
    run_id = slow.run_of("slow")["run_id"]
    follower = slow.start("run", "slow", "--json")
    assert follower.stderr is not None
    assert f"pid {first.pid}, since " in follower.stderr.readline()
    threading.Event().wait(1.5)
    assert follower.poll() is None, "nobody may execute what another program has in hand"
    end_hard(first)
    slow.let_it_end()
    answer = answer_of(follower)
    assert [(run["run_id"], run["result"]) for run in answer.document["runs"]] == [(run_id, "done")], answer
    assert len(slow.points("slow")) == 1
    assert slow.troubles() == []


@pytest.mark.long
def test_a_program_does_not_let_go_of_what_it_began_for_others(parallel: SlowEstate) -> None:
    other = parallel.start("run", "slow", "--json")
    parallel.producing()
    end_hard(other)
    mine = parallel.start("run", "quick", "--json")
    until(lambda: parallel.points("quick"), "the quick run is done")
    threading.Event().wait(3)
    assert mine.poll() is None, "it may not leave while it has another's run in hand"
    parallel.let_it_end()
    assert answer_of(mine).status == 0
    assert parallel.run_of("slow")["result"] == "done"
    assert parallel.troubles() == []
