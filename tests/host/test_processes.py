"""What the Runner promises about programs while we live."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backstay.domain.errors import Cancelled, ConfigError, EngineFailed
from backstay.domain.secrets import Secret
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.ports.progress import Silent
from backstay.ports.runner import Command
from host.waiting import number_in, running, until

CANARY = "canary-7f3a9d11"


class CancelledAfter(Silent):
    """Progress whose user asks for a stop when something is there."""

    def __init__(self, sign: Path) -> None:
        self._sign = sign
        self.asked_at = [time.monotonic()]

    def check(self) -> None:
        self.asked_at.append(time.monotonic())
        if self._sign.exists() and self._sign.read_text():
            raise Cancelled("somebody asked for a stop")


def shell(script: str, *args: str, **settings: object) -> Command:
    return Command(("sh", "-c", script, "sh", *args), **settings)  # type: ignore[arg-type]  # checked by Command itself


def test_status_output_and_errors_come_back(runner: Processes) -> None:
    done = runner.run(shell("echo out; echo err >&2; exit 3"), Silent())
    assert (done.status, done.out, done.err) == (3, "out\n", "err\n")


def test_a_program_that_was_killed_has_a_negative_status(runner: Processes) -> None:
    assert runner.run(shell("kill -KILL $$"), Silent()).status == -9


def test_lines_come_one_by_one_and_the_last_needs_no_end(runner: Processes) -> None:
    lines: list[str] = []
    done = runner.run(Command(("printf", "one\\n\\nthree\\nlast")), Silent(), on_line=lines.append)
    assert (lines, done.out) == (["one", "", "three", "last"], "")


def test_names_that_are_no_utf8_stay_visible(runner: Processes) -> None:
    done = runner.run(Command(("printf", r"caf\351 \303\251")), Silent())
    assert done.out == r"caf\xe9 é"


def test_what_is_fed_arrives_whole(runner: Processes) -> None:
    done = runner.run(Command(("sha256sum",)), Silent(), feed=(bytes([n % 256]) * 70_001 for n in range(500)))
    again = runner.run(
        Command(("sha256sum",)), Silent(), feed=[b"".join(bytes([n % 256]) * 70_001 for n in range(500))]
    )
    assert done.out == again.out


def test_a_program_that_dies_while_it_is_fed_reports_its_own_status(runner: Processes) -> None:
    done = runner.run(shell("read line; echo enough >&2; exit 5"), Silent(), feed=(b"x\n" * 50_000 for _ in range(100)))
    assert (done.status, done.err) == (5, "enough\n")


def test_a_program_that_is_not_there_says_how_to_install_it(runner: Processes) -> None:
    with pytest.raises(EngineFailed, match="no-such-tool is not installed") as failed:
        runner.run(Command(("no-such-tool",)), Silent())
    assert failed.value.hint is not None
    assert "apt install no-such-tool" in failed.value.hint


def test_a_missing_folder_to_work_in_is_the_programs_failure(runner: Processes) -> None:
    with pytest.raises(EngineFailed, match="true could not be started: No such file"):
        runner.run(Command(("true",), cwd="/no/such/folder"), Silent())


def test_two_hundred_megabytes_of_output_and_errors_neither_block_nor_fill_memory(runner: Processes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen = 0

    def count(line: str) -> None:
        nonlocal seen
        seen += len(line) + 1

    line = "x" * 999
    script = f"yes {line} | head -c 200000000 >&2 & yes {line} | head -c 200000000; wait"
    done = runner.run(shell(script), Silent(), on_line=count)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (done.status, seen) == (0, 200_000_000)
    assert len(done.err) <= 256 * 1024
    assert grown < 40 * 1024, f"{grown} KiB more than before"


def test_output_that_no_memory_can_hold_is_a_failure(runner: Processes) -> None:
    with pytest.raises(EngineFailed, match="more than 64 MiB"):
        runner.run(Command(("head", "-c", "100000000", "/dev/zero")), Silent())


def test_the_errors_that_are_kept_begin_with_a_whole_line(runner: Processes) -> None:
    done = runner.run(shell("seq 1000000000 1000040000 >&2"), Silent())
    assert done.err.endswith("\n1000040000\n")
    assert len(done.err.splitlines()[0]) == 10


def test_a_program_left_in_the_background_neither_holds_us_up_nor_survives(runner: Processes, tmp_path: Path) -> None:
    began = time.monotonic()
    runner.run(shell("sleep 300 & echo $! >$1", str(tmp_path / "pid")), Silent())
    assert time.monotonic() - began < 20
    until(lambda: not running(number_in(tmp_path / "pid")))


def test_a_stop_reaches_the_whole_group_before_it_is_told(runner: Processes, tmp_path: Path) -> None:
    progress = CancelledAfter(tmp_path / "pid")
    with pytest.raises(Cancelled):
        runner.run(shell("sleep 300 & echo $! >$1; wait", str(tmp_path / "pid")), progress)
    until(lambda: not running(number_in(tmp_path / "pid")))


def test_a_program_is_stopped_in_its_own_way_and_given_time_to_end(runner: Processes, tmp_path: Path) -> None:
    script = "trap 'sleep 0.3; echo clean >$2; exit' INT; echo $$ >$1; while :; do sleep 0.05; done"
    with pytest.raises(Cancelled):
        runner.run(
            shell(script, str(tmp_path / "pid"), str(tmp_path / "end"), stop="INT"), CancelledAfter(tmp_path / "pid")
        )
    assert (tmp_path / "end").read_text() == "clean\n"


def test_a_program_that_will_not_stop_is_killed_after_its_grace(runner: Processes, tmp_path: Path) -> None:
    script = "trap '' TERM; echo $$ >$1; while :; do sleep 0.05; done"
    with pytest.raises(Cancelled):
        runner.run(shell(script, str(tmp_path / "pid"), grace_s=0.3), CancelledAfter(tmp_path / "pid"))
    assert not running(number_in(tmp_path / "pid"))


def test_a_paused_program_can_be_stopped(runner: Processes, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(Cancelled):
        runner.run(shell("echo $$ >$1; kill -STOP $$", str(tmp_path / "pid")), CancelledAfter(tmp_path / "pid"))
    assert time.monotonic() - began < 8


def test_the_wish_to_stop_is_asked_for_twice_a_second_whatever_the_program_does(
    runner: Processes, tmp_path: Path
) -> None:
    progress = CancelledAfter(tmp_path / "never")
    runner.run(shell("sleep 0.8; timeout 0.8 yes; exit 0"), progress, on_line=lambda line: None)
    gaps = [later - earlier for earlier, later in zip(progress.asked_at, progress.asked_at[1:], strict=False)]
    assert len(gaps) >= 4
    assert max(gaps) < 0.5 + 1.0  # a second for a busy machine


def test_an_objection_to_a_line_stops_the_program(runner: Processes) -> None:
    pids: list[int] = []

    def object_to(line: str) -> None:
        pids.append(int(line))
        raise EngineFailed("no such line")

    with pytest.raises(EngineFailed, match="no such line"):
        runner.run(shell("echo $$; exec sleep 300"), Silent(), on_line=object_to)
    assert not running(pids[0])


def test_when_the_feed_fails_the_program_never_sees_the_end_of_its_input(runner: Processes, tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    def broken() -> Iterator[bytes]:
        yield b"the beginning"
        until(seen.exists)
        raise EngineFailed("the dump broke off")

    script = "head -c 3 >/dev/null; printf began >$1; cat >/dev/null; printf whole >$1"
    with pytest.raises(EngineFailed, match="the dump broke off"):
        runner.run(shell(script, str(seen)), Silent(), feed=broken())
    assert seen.read_text() == "began"


def test_a_stream_gives_the_bytes_and_then_the_failure(runner: Processes, secrets: HostSecrets) -> None:
    secrets.hide(CANARY)
    got: list[bytes] = []
    script = f"printf half; echo lost {CANARY} >&2; exit 4"
    with runner.stream(shell(script), Silent()) as chunks, pytest.raises(EngineFailed, match="status 4") as failed:
        got.extend(chunks)
    assert got == [b"half"]
    assert failed.value.hint is not None
    assert "lost ***" in failed.value.hint
    assert CANARY not in f"{failed.value} {failed.value.hint}"


def test_a_stream_that_is_left_early_stops_its_program(runner: Processes, tmp_path: Path) -> None:
    with runner.stream(shell("echo $$ >$1; exec yes", str(tmp_path / "pid")), Silent()) as chunks:
        next(chunks)
    assert not running(number_in(tmp_path / "pid"))


def test_a_program_can_be_fed_from_a_stream_of_another(runner: Processes) -> None:
    with runner.stream(Command(("head", "-c", "50000000", "/dev/zero")), Silent()) as chunks:
        done = runner.run(Command(("wc", "-c")), Silent(), feed=chunks)
    assert done.out.strip() == "50000000"


def test_a_service_tells_its_log_and_is_gone_afterwards(runner: Processes) -> None:
    with runner.serve(shell("echo out; echo err >&2; exec sleep 300")) as service:
        until(lambda: service.log() == "out\nerr\n")
        assert service.ended() is None
    assert service.ended() == -15
    assert not running(service.pid)


def test_a_service_that_ends_by_itself_says_how(runner: Processes) -> None:
    with runner.serve(shell("exit 7")) as service:
        until(lambda: service.ended() == 7)


def test_a_chatty_service_neither_blocks_nor_fills_memory(runner: Processes, tmp_path: Path) -> None:
    with runner.serve(shell("yes | head -c 20000000; echo done >$1; exec sleep 300", str(tmp_path / "end"))) as service:
        until((tmp_path / "end").exists)
        assert len(service.log()) <= 256 * 1024


def test_a_secret_is_in_the_environment_and_in_no_argument(runner: Processes) -> None:
    with runner.serve(Command(("sleep", "300"), env={"PGPASSWORD": Secret(CANARY)})) as service:
        until(lambda: Path(f"/proc/{service.pid}/comm").read_text() == "sleep\n")
        assert f"PGPASSWORD={CANARY}".encode() in Path(f"/proc/{service.pid}/environ").read_bytes()
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            assert not line.exists() or CANARY not in line.read_text(errors="replace")


def test_known_secrets_are_hidden_in_errors_and_logs(runner: Processes, secrets: HostSecrets) -> None:
    secrets.hide(CANARY)
    command = Command(("sh", "-c", 'echo "login $KEY" >&2'), env={"KEY": Secret(CANARY)})
    assert runner.run(command, Silent()).err == "login ***\n"
    with runner.serve(command) as service:
        until(lambda: service.ended() is not None and service.log() == "login ***\n")


def test_the_environment_is_small_and_clean(runner: Processes, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "production")
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    command = Command(("env",), env={"ADDED": "yes"}, run_id="R1")
    environment = dict(line.split("=", 1) for line in runner.run(command, Silent()).out.splitlines())
    assert sorted(environment) == [
        *("ADDED", "BACKSTAY_OWNER", "BACKSTAY_RUN", "BACKSTAY_STATE"),
        *("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR"),
    ]
    assert (environment["BACKSTAY_STATE"], environment["BACKSTAY_RUN"]) == (str(state), "R1")


def test_without_a_home_a_program_gets_a_private_one(
    runner: Processes, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    assert runner.run(shell("echo $HOME; test -w $HOME"), Silent()).out == f"{state / 'home'}\n"
    assert (state / "home").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("network", [False, True])
def test_a_program_becomes_the_ordinary_user_only_when_we_are_root(runner: Processes, network: bool) -> None:
    done = runner.run(Command(("id", "-un"), user="nobody", private_network=network), Silent())
    we = runner.run(Command(("id", "-un")), Silent()).out
    assert done.out == ("nobody\n" if os.geteuid() == 0 else we)


def test_an_account_that_is_not_there_is_the_authors_mistake(runner: Processes) -> None:
    if os.geteuid() == 0:
        with pytest.raises(ConfigError, match="no account nobody-at-all"):
            runner.run(Command(("true",), user="nobody-at-all"), Silent())


def test_a_private_network_has_no_way_out(runner: Processes) -> None:
    command = Command(("cat", "/proc/net/route"), private_network=True)
    routes = runner.run(command, Silent()).out.splitlines()[1:]
    assert routes == [] or os.geteuid() != 0
