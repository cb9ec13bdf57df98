"""What the Runner promises about programs when we die."""

from __future__ import annotations

from pathlib import Path

import pytest

from backstay.host.leftovers import marks
from backstay.host.processes import Processes
from backstay.ports.runner import Command
from host.conftest import Worker
from host.waiting import number_in, running, until


@pytest.mark.parametrize("settings", ["", ", user='nobody'", ", user='nobody', private_network=True", ", stop='QUIT'"])
def test_a_program_dies_with_its_worker(worker: Worker, tmp_path: Path, settings: str) -> None:
    process = worker(f"""
with runner.serve(Command(("sleep", "300"){settings})) as service:
    Path(tmp, "pid").write_text(str(service.pid))
    time.sleep(300)
""")
    pid = number_in(tmp_path / "pid")
    until(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n")
    process.kill()
    until(lambda: not running(pid))


def test_a_fed_program_does_not_take_the_death_of_its_worker_for_the_end_of_its_input(
    worker: Worker, tmp_path: Path
) -> None:
    # The program needs a while to stop: long enough to see an end of input, if there were one.
    (tmp_path / "program").write_text("""
import os, signal, sys, time
def stopped(*_):
    time.sleep(0.5)
    os.write(log, b"stopped")
    os._exit(1)
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
signal.signal(signal.SIGALRM, stopped)
signal.signal(signal.SIGINT, lambda *_: signal.setitimer(signal.ITIMER_REAL, 0.5))
os.read(0, 3)
os.write(log, b"began;")
while os.read(0, 1 << 20):
    pass
os.write(log, b"whole;")
""")
    process = worker("""
def endless():
    while True:
        yield b"some of it"
        time.sleep(0.01)
program = (sys.executable, tmp + "/program", tmp + "/log")
runner.run(Command(program, stop="INT"), Silent(), feed=endless())
""")
    log = tmp_path / "log"
    until(lambda: log.exists() and log.read_text() == "began;")
    process.kill()
    until(lambda: log.read_text() != "began;")
    assert log.read_text() == "began;stopped"


def test_sweep_kills_what_a_dead_worker_left_and_nothing_else(
    worker: Worker, runner: Processes, state: Path, tmp_path: Path
) -> None:
    process = worker("""
stubborn = "trap '' TERM; sleep 300 & echo $! >$1; wait; sleep 300"
with runner.serve(Command(("sh", "-c", stubborn, "sh", tmp + "/grandchild"))) as service:
    Path(tmp, "pid").write_text(str(service.pid))
    time.sleep(300)
""")
    left = [number_in(tmp_path / name) for name in ("pid", "grandchild")]
    with runner.serve(Command(("sleep", "300"))) as ours:
        assert runner.sweep() == 0
        process.kill()
        process.wait()
        assert runner.sweep() >= 2
        assert not any(running(pid) for pid in left)
        assert ours.ended() is None
    assert runner.sweep() == 0


def test_sweep_leaves_the_programs_of_another_state_folder_alone(runner: Processes, tmp_path: Path) -> None:
    dead_owner = {**marks(str(tmp_path / "other"), None), "BACKSTAY_OWNER": "1:1"}
    other = Command(("env", *(f"{name}={value}" for name, value in dead_owner.items()), "sleep", "300"))
    with runner.serve(other) as service:
        until(lambda: Path(f"/proc/{service.pid}/comm").read_text() == "sleep\n")
        assert runner.sweep() == 0
        assert service.ended() is None


def test_a_worker_with_the_number_of_a_dead_one_does_not_own_its_programs(runner: Processes, state: Path) -> None:
    # Process 1 lives, but it did not start at the first tick after boot: another one did, which is dead.
    command = Command(("env", "BACKSTAY_OWNER=1:999999999999", "sleep", "300"))
    with runner.serve(command) as service:
        until(lambda: Path(f"/proc/{service.pid}/comm").read_text() == "sleep\n")
        assert runner.sweep() == 1
        until(lambda: service.ended() == -9)
