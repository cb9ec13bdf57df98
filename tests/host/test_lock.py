"""What is promised about the lock on an estate."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backstay.domain.errors import CatalogError
from backstay.host.lock import ExecutorLock
from host.conftest import Worker
from host.waiting import until

HOLD = """
lock = ExecutorLock(state + "/executor.lock")
Path(tmp, "got").write_text(str(lock.try_acquire()))
time.sleep(300)
"""


def test_one_process_at_a_time_holds_it_and_others_can_say_who(worker: Worker, state: Path, tmp_path: Path) -> None:
    process = worker(HOLD)
    until(lambda: (tmp_path / "got").exists() and (tmp_path / "got").read_text() == "True")
    lock = ExecutorLock(str(state / "executor.lock"))
    assert not lock.try_acquire()
    holder = lock.holder()
    assert holder is not None
    assert holder.pid == process.pid
    assert abs(datetime.now(UTC) - holder.since) < timedelta(minutes=1)


def test_it_is_free_when_its_holder_was_killed(worker: Worker, state: Path, tmp_path: Path) -> None:
    process = worker(HOLD)
    until((tmp_path / "got").exists)
    process.kill()
    process.wait()
    lock = ExecutorLock(str(state / "executor.lock"))
    assert lock.holder() is None
    assert lock.try_acquire()
    lock.release()


def test_two_parts_of_one_process_exclude_each_other_too(state: Path) -> None:
    first, second = ExecutorLock(str(state / "lock")), ExecutorLock(str(state / "lock"))
    assert first.try_acquire()
    assert first.try_acquire()
    assert not second.try_acquire()
    first.release()
    first.release()
    assert second.try_acquire()
    assert first.holder() is not None
    second.release()
    assert first.holder() is None


def test_programs_that_the_holder_starts_do_not_hold_it(worker: Worker, state: Path, tmp_path: Path) -> None:
    process = worker(
        HOLD.replace("time.sleep(300)", "import subprocess; subprocess.Popen(['sleep', '3']); time.sleep(300)")
    )
    until((tmp_path / "got").exists)
    process.kill()
    process.wait()
    lock = ExecutorLock(str(state / "lock"))
    assert lock.try_acquire()
    lock.release()


def test_a_holder_that_a_power_failure_left_empty_is_nobody(state: Path) -> None:
    (state / "lock.holder").write_text("")
    assert ExecutorLock(str(state / "lock")).holder() is None


def test_a_folder_that_is_not_there_is_a_clear_error(state: Path) -> None:
    with pytest.raises(CatalogError, match="No such file or directory"):
        ExecutorLock(str(state / "none" / "lock")).try_acquire()


def test_who_holds_it_is_for_our_eyes_only(state: Path) -> None:
    lock = ExecutorLock(str(state / "lock"))
    lock.try_acquire()
    assert os.stat(state / "lock").st_mode & 0o777 == 0o600
    lock.release()
