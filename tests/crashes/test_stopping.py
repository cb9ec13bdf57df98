"""How runs are stopped: by `cancel`, by Ctrl-C, by SIGTERM."""

from __future__ import annotations

import json
import signal

import pytest

from crashes.slow_estate import SlowEstate, answer_of, end_hard, gone, until


def test_cancel_stops_a_waiting_run_at_once_and_a_running_one_within_seconds(slow: SlowEstate) -> None:
    running = slow.start("run", "slow", "--json")
    producer = slow.producing()
    waiting = slow.start("run", "quick", "--json")
    until(lambda: slow.asked("quick"), "the second run is asked for")
    assert slow.place.do("cancel", slow.run_of("quick")["run_id"]).status == 0
    second = answer_of(waiting, timeout=10)
    assert (second.status, second.document["runs"][0]["result"]) == (1, "cancelled"), second
    assert running.poll() is None
    cancel = slow.place.do("cancel", slow.run_of("slow")["run_id"], "--json")
    assert cancel.status == 0, cancel
    until(lambda: gone(producer), "the producer is gone", 5)
    first = answer_of(running, timeout=15)
    assert (first.status, first.document["runs"][0]["result"]) == (1, "cancelled"), first
    assert first.document["runs"][0]["error"]["message"] == "stopped by request"
    assert "Traceback" not in first.err + second.err
    assert slow.troubles() == []
    ended = slow.place.do("cancel", slow.run_of("slow")["run_id"])
    assert ended.status == 4
    assert "has ended: cancelled" in ended.err


@pytest.mark.long
def test_cancel_ends_a_run_whose_program_died(slow: SlowEstate) -> None:
    running = slow.start("run", "slow", "--json")
    producer = slow.producing()
    end_hard(running)
    until(lambda: gone(producer), "the producer dies with the program", 5)
    assert slow.run_of("slow")["state"] == "interrupted"
    assert slow.place.ask("cancel", slow.run_of("slow")["run_id"])["run"]["result"] == "cancelled"
    assert slow.troubles() == []
    nothing = slow.place.do("run", "quick", "--json")
    assert [run["workload"] for run in nothing.document["runs"]] == ["quick"]
    assert slow.run_of("slow")["result"] == "cancelled"


def test_ctrl_c_cancels_what_was_asked_for_and_hands_over_what_others_wait_for(slow: SlowEstate) -> None:
    running = slow.start("run", "slow", "--json")
    producer = slow.producing()
    other = slow.start("run", "quick", "--json")
    until(lambda: slow.asked("quick"), "the second run is asked for")
    running.send_signal(signal.SIGINT)
    first = answer_of(running, timeout=20)
    assert (first.status, first.err.splitlines()[-1]) == (130, "interrupted"), first
    assert gone(producer)
    assert slow.run_of("slow")["result"] == "cancelled"
    second = answer_of(other)
    assert (second.status, second.document["runs"][0]["result"]) == (0, "done"), second
    assert slow.troubles() == []


@pytest.mark.long
def test_sigterm_lets_a_run_go_and_the_next_start_takes_it_up(slow: SlowEstate) -> None:
    running = slow.start("run", "slow", "--json")
    producer = slow.producing()
    running.send_signal(signal.SIGTERM)
    stopped = answer_of(running, timeout=20)
    assert stopped.status == 130, stopped
    assert stopped.err.splitlines()[-1] == "stopped; the next backstay run takes up what was begun"
    assert gone(producer)
    left = slow.run_of("slow")
    assert left["state"] == "interrupted"
    assert slow.troubles() == []
    slow.let_it_end()
    resumed = slow.place.ask("run", "--due")
    assert left["run_id"] in {run["run_id"] for run in resumed["runs"]}
    assert [point.run_id for point in slow.points("slow")] == [left["run_id"]]
    assert slow.troubles() == []


@pytest.mark.long
def test_a_second_signal_ends_the_program_at_once(slow: SlowEstate) -> None:
    running = slow.start("run", "slow", "--json")
    producer = slow.producing()
    running.send_signal(signal.SIGTERM)
    running.send_signal(signal.SIGINT)
    assert answer_of(running, timeout=10).status == 130
    until(lambda: gone(producer), "the producer dies with the program", 5)
    slow.let_it_end()
    answer = slow.place.do("run", "slow", "--json")
    assert [run["result"] for run in json.loads(answer.out)["runs"]] == ["done"]
    assert slow.troubles() == []
