"""A source that is not there to be copied is told before anything is copied."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from backstay.domain.errors import SourceFailed
from backstay.domain.estate import FilesSource, Question, Workload
from backstay.domain.points import Fingerprint
from backstay.domain.runs import Amount
from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.kinds.files import FilesKind
from backstay.ports.asking import ask_of_folder
from backstay.ports.engine import Paths
from backstay.ports.kind import HoldRequest, RaiseRequest
from backstay.ports.progress import Silent
from kinds_at_work import as_nobody, fingerprint, workload


def hold(
    kind: FilesKind, protected: Workload, place: Path, previous: Fingerprint | None = None
) -> tuple[Paths, Amount]:
    with kind.hold(HoldRequest(protected, "run", str(place), previous), Silent()) as held:
        return held.source, held.amount


def files(*paths: Path | str, empty: bool = False) -> Workload:
    return workload(FilesSource(tuple(map(str, paths))), empty=empty)


def test_all_missing_paths_are_named(kind: FilesKind, tmp_path: Path, place: Path) -> None:
    (tmp_path / "there").write_text("x")
    protected = files(tmp_path / "gone", tmp_path / "there", tmp_path / "lost")
    with pytest.raises(SourceFailed, match=r"gone, .*/lost cannot be read or does not exist"):
        hold(kind, protected, place)


def test_a_path_that_cannot_be_read_at_all_is_named(kind: FilesKind, tmp_path: Path, place: Path) -> None:
    for above in [tmp_path, *tmp_path.parents][:-2]:
        above.chmod(above.stat().st_mode | 0o711)
    (tmp_path / "closed").mkdir(mode=0)
    said = as_nobody(lambda: str(hold(kind, files(tmp_path / "closed"), place)))
    assert said == f"SourceFailed: {tmp_path}/closed cannot be read or does not exist"


def test_a_tree_without_files_is_refused_unless_it_may_be_empty(kind: FilesKind, tmp_path: Path, place: Path) -> None:
    (tmp_path / "tree" / "folder").mkdir(parents=True)
    with pytest.raises(SourceFailed, match="there is no file in"):
        hold(kind, files(tmp_path / "tree"), place)
    assert hold(kind, files(tmp_path / "tree", empty=True), place)[1] == Amount(0, 0)


def test_what_fstab_lists_must_be_mounted(kind: FilesKind, tmp_path: Path, place: Path) -> None:
    disk = tmp_path / "the disk"
    (disk / "crm").mkdir(parents=True)
    (disk / "crm" / "left behind").touch()
    (tmp_path / "fstab").write_text(
        f"# comment\n/dev/sdb1 {str(disk).replace(' ', chr(92) + '040')} ext4 defaults 0 2\n"
    )
    with pytest.raises(SourceFailed, match="the disk is not mounted"):
        hold(kind, files(disk / "crm"), place)


def test_what_was_mounted_the_last_time_must_be_mounted(kind: FilesKind, tmp_path: Path, place: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a").touch()
    protected = files(tmp_path / "tree")
    recorded = fingerprint(kind, protected, place)
    earlier = Fingerprint(recorded.method, recorded.amount, {**recorded.facts, "mounts": [str(tmp_path / "tree")]})
    with pytest.raises(SourceFailed, match="tree is not mounted"):
        hold(kind, protected, place, earlier)
    assert hold(kind, files(tmp_path / "tree", empty=True), place, earlier)


def test_mount_points_are_recorded(kind: FilesKind, place: Path) -> None:
    assert fingerprint(kind, files("/dev/shm", empty=True), place).facts["mounts"] == ["/dev/shm"]


def test_a_folder_bound_to_another_of_the_same_disk_counts_as_mounted(
    kind: FilesKind, tmp_path: Path, place: Path
) -> None:
    there, here = tmp_path / "there", tmp_path / "here it is"
    there.mkdir()
    here.mkdir()
    (there / "a").touch()
    subprocess.run(["mount", "--bind", there, here], check=True)
    try:
        assert fingerprint(kind, files(here), place).facts["mounts"] == [str(here)]
    finally:
        subprocess.run(["umount", here], check=True)


def test_the_amount_is_known_before_the_copy(kind: FilesKind, tmp_path: Path, place: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_bytes(b"12345")
    (tree / "link").symlink_to("a")
    source, amount = hold(kind, files(tree), place)
    assert amount == Amount(bytes=5, items=2)
    assert source == Paths(str(place), (str(tree),))


def test_paths_within_another_and_odd_spellings_are_taken_once(kind: FilesKind, tmp_path: Path, place: Path) -> None:
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "a").write_bytes(b"x")
    (tmp_path / "treetop").write_bytes(b"x")
    protected = files(f"{tmp_path}/tree/", tmp_path / "tree" / "sub", f"{tmp_path}/x/../treetop")
    source, amount = hold(kind, protected, place)
    assert source.paths == (str(tmp_path / "tree"), str(tmp_path / "treetop"))
    assert amount.items == 2


def test_a_link_as_path_is_a_finding(kind: FilesKind, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (finding,) = kind.look(files(tmp_path / "link"), Silent()).findings
    assert finding.code == "files-link"
    assert str(tmp_path / "real") in (finding.hint or "")


@pytest.fixture
def restored(tmp_path: Path) -> Path:
    folder = tmp_path / "restored"
    (folder / "srv").mkdir(parents=True)
    (folder / "srv" / "a b").write_text("hello")
    (folder / "srv" / "out").symlink_to("/etc/hostname")
    return folder


@pytest.mark.parametrize(
    ("question", "result", "words"),
    [
        (Question("there", command=("test", "-f", "srv/a b")), "passed", "there: test ended well"),
        (Question("not", command=("ls", "srv/none")), "failed", "ended with status 2 and said: ls: cannot access"),
        (
            Question(
                "sum", checksum="/srv/a b", expect="2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824"
            ),
            "passed",
            "sum: /srv/a b has the expected SHA-256",
        ),
        (Question("sum", checksum="srv/a b", expect="00"), "failed", "is 2cf24dba"),
        (Question("sum", checksum="srv/none", expect="00"), "failed", "not among what was restored"),
        (Question("sum", checksum="srv/out", expect="00"), "failed", "leads out of the restored folder"),
        (Question("sum", checksum="../../etc/hostname", expect="00"), "failed", "not among what was restored"),
        (Question("sql", query="select 1", expect="1"), "skipped", "there is no database"),
    ],
)
def test_questions(kind: FilesKind, restored: Path, place: Path, question: Question, result: str, words: str) -> None:
    request = RaiseRequest(files("/srv"), str(restored), str(place), None)
    with kind.raise_elsewhere(request, Silent()) as raised:
        answer = raised.ask(question, Silent())
    assert (answer.level, answer.result) == ("L7", result)
    assert words in answer.detail


def test_the_runbook_brings_a_tree_back(kind: FilesKind, tmp_path: Path) -> None:
    goal = tmp_path / "goal of it"
    restored = Path(f"{tmp_path}/restored{goal}")
    restored.mkdir(parents=True)
    (restored / "a").write_text("x")
    for line in kind.runbook(files(goal), str(tmp_path / "restored")):
        assert os.system(line) == 0
    assert (goal / "a").read_text() == "x"


def test_a_question_that_takes_too_long_is_stopped_and_failed(runner: Processes, tmp_path: Path) -> None:
    question = Question("slow", command=("sleep", "60"))
    answer = ask_of_folder(question, str(tmp_path), runner, SystemClock(), Silent(), limit_s=1)
    assert answer.result == "failed"
    assert "slow took longer than 1 seconds and was stopped" in answer.detail
