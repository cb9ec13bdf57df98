"""The output of a command is hashed on its way, and a command that fails leaves no end of input behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backstay.domain.errors import InvariantBroken, SourceFailed
from backstay.domain.estate import CommandSource, Question, Workload
from backstay.domain.points import Fingerprint
from backstay.domain.runs import Amount
from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.kinds.command import CommandKind
from backstay.ports.engine import Stream
from backstay.ports.kind import HoldRequest, RaiseRequest
from backstay.ports.progress import Silent
from kinds_at_work import judge, workload


@pytest.fixture
def kind(runner: Processes) -> CommandKind:
    return CommandKind(runner, SystemClock())


def of(script: str, *, empty: bool = False) -> Workload:
    return workload(CommandSource(("sh", "-c", script), "stream.txt"), empty=empty)


def copied(kind: CommandKind, protected: Workload, folder: Path) -> Fingerprint:
    """The fingerprint, once the stream was written to its file as an engine would."""
    with kind.hold(HoldRequest(protected, "run", str(folder)), Silent()) as held:
        assert isinstance(held.source, Stream)
        with (folder / held.source.file_name).open("wb") as file:
            for chunk in held.source.chunks():
                file.write(chunk)
        return held.fingerprint(Silent())


def test_what_was_written_is_what_is_compared(kind: CommandKind, place: Path) -> None:
    protected = of("head -c 3000000 /dev/urandom")
    recorded = copied(kind, protected, place)
    assert recorded.amount == Amount(bytes=3_000_000)
    assert [one.result for one in judge(kind, protected, place, place, recorded)] == ["passed"] * 3


@pytest.mark.parametrize(
    ("script", "words"),
    [("echo some; echo 'disk is gone' >&2; exit 3", "status 3"), ("echo some; kill -9 $$", "status -9")],
)
def test_a_failed_command_never_reaches_its_end(kind: CommandKind, place: Path, script: str, words: str) -> None:
    with kind.hold(HoldRequest(of(script), "run", str(place)), Silent()) as held:
        chunks = iter(held.source.chunks())
        assert next(chunks) == b"some\n"
        with pytest.raises(SourceFailed) as caught:
            next(chunks)
        assert words in caught.value.message
        assert script.find("disk is gone") < 0 or "disk is gone" in (caught.value.hint or "")
        with pytest.raises(InvariantBroken, match="not copied to its end"):
            held.fingerprint(Silent())


def test_a_command_that_writes_nothing_failed_unless_it_may(kind: CommandKind, place: Path) -> None:
    with pytest.raises(SourceFailed, match="sh wrote nothing"):
        copied(kind, of("true"), place)
    assert copied(kind, of("true", empty=True), place).amount == Amount(bytes=0)


def test_a_program_that_is_not_there_is_told_before_anything_is_copied(kind: CommandKind, place: Path) -> None:
    protected = workload(CommandSource(("no-such-program", "x"), "f"))
    with pytest.raises(SourceFailed, match="no-such-program is not a program on this machine"):
        kind.look(protected, Silent())
    with pytest.raises(SourceFailed), kind.hold(HoldRequest(protected, "run", str(place)), Silent()):
        pass


def test_a_second_try_is_hashed_anew(kind: CommandKind, place: Path) -> None:
    with kind.hold(HoldRequest(of("echo some"), "run", str(place)), Silent()) as held:
        first = held.source.chunks()
        next(iter(first))
        assert b"".join(held.source.chunks()) == b"some\n"
        assert held.fingerprint(Silent()).amount == Amount(bytes=5)


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "missing": (Path.unlink, "L4", "stream.txt is not among what was restored"),
    "truncated": (lambda p: os.truncate(p, 4), "L4", "stream.txt has 4 bytes; 12 were written"),
    "emptied": (lambda p: p.write_bytes(b""), "L4", "stream.txt has 0 bytes; 12 were written"),
    "one byte changed": (lambda p: p.write_bytes(b"some content"), "L5", "does not hold the bytes that were written"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_caught_by_its_level_and_named(kind: CommandKind, place: Path, damage: str) -> None:
    protected = of("echo 'the content'")
    recorded = copied(kind, protected, place)
    (place / "stream.txt").write_bytes(b"the content\n")
    act, level, sentence = DAMAGE[damage]
    act(place / "stream.txt")
    found = {one.level: one for one in judge(kind, protected, place, place, recorded)}
    assert found[level].result == "failed"  # type: ignore[index] # a level is a str
    assert sentence in found[level].detail  # type: ignore[index] # the same
    assert found["L5"].result == "failed"


def test_questions_go_to_the_folder(kind: CommandKind, place: Path) -> None:
    protected = of("echo hello")
    recorded = copied(kind, protected, place)
    with kind.raise_elsewhere(RaiseRequest(protected, str(place), str(place), recorded), Silent()) as raised:
        asked = [
            raised.ask(Question("has", command=("grep", "hello", "stream.txt")), Silent()),
            raised.ask(Question("has not", command=("grep", "bye", "stream.txt")), Silent()),
            raised.ask(Question("sql", query="SELECT 1", expect="1"), Silent()),
        ]
    assert [one.result for one in asked] == ["passed", "failed", "skipped"]
    assert "no database" in asked[2].detail


def test_a_stream_whose_file_name_was_changed_since_is_still_whole(kind: CommandKind, place: Path) -> None:
    protected = of("echo 'the content'")
    recorded = copied(kind, protected, place)
    renamed = replace(protected, source=CommandSource(("true",), "another.txt"))
    assert [one.result for one in judge(kind, renamed, place, place, recorded)] == ["passed"] * 3
