"""Trees that only stock tools can be asked about: what is recorded of them is what system calls would have told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from backstay.domain.errors import SourceFailed, Unavailable
from backstay.domain.estate import FilesSource, Workload
from backstay.domain.points import Fingerprint
from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.kinds.files import FilesKind, StockTrees
from backstay.kinds.files.exclude import excluder
from backstay.kinds.files.fingerprints import manifest_of
from backstay.kinds.files.local import LocalTrees
from backstay.kinds.files.manifest import Manifest, State, encode
from backstay.kinds.files.tree import Entry, Tree
from backstay.ports.kind import HoldRequest
from backstay.ports.progress import Progress, Silent
from backstay.ports.runner import Command, Finished
from files_zoo import grow
from kinds_at_work import as_nobody, fingerprint, judge, workload


class Machine(Processes):
    """A machine on which something happens right before a program is run, and which may lack some."""

    before: Callable[[str], object] = staticmethod(lambda _: None)
    lacks: tuple[str, ...] = ()

    def run(
        self,
        command: Command,
        progress: Progress,
        *,
        on_line: Callable[[str], None] | None = None,
        feed: Iterable[bytes] | None = None,
    ) -> Finished:
        self.before(" ".join(command.argv))
        return super().run(command, progress, on_line=on_line, feed=feed)


@pytest.fixture
def machine(runner: Processes, tmp_path: Path) -> Machine:
    return Machine(HostSecrets(), SystemClock(), str(tmp_path / "state"))


@pytest.fixture
def far(runner: Processes, machine: Machine, tmp_path: Path) -> FilesKind:
    return FilesKind(runner, SystemClock(), trees=StockTrees(machine), fstab=str(tmp_path / "fstab"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        (root / name).write_text(f"content of {name}")
    return root


@pytest.fixture
def protected(root: Path) -> Workload:
    return workload(FilesSource((str(root),)))


def manifest(recorded: Fingerprint) -> Manifest:
    found = manifest_of(recorded)
    assert found
    return found


def states(recorded: Fingerprint) -> dict[str, State]:
    return {os.path.basename(path): state for path, state in manifest(recorded).doubtful()}


def test_both_ways_see_the_same_tree(runner: Processes, tmp_path: Path) -> None:
    roots = (str(tmp_path / "a file"), str(grow(tmp_path / "zoo")), "/dev/shm")
    (tmp_path / "a file").touch()
    os.utime(tmp_path / "a file", ns=(0, -5_250_000_000))  # before 1970
    for patterns in ((), ("mode-*", "deep/deep", "!mode-0600"), ("folder-*",), ("*", "!plain")):
        near = LocalTrees().scan(roots, excluder(patterns), Silent())
        far = StockTrees(runner).scan(roots, excluder(patterns), Silent())
        assert entries(far) == entries(near)
        assert far.amount() == near.amount()


def entries(tree: Tree) -> dict[str, dict[str, Entry]]:
    return {path: dict(folder.entries()) for path, folder in tree.folders.items()}


def test_both_ways_record_the_same_but_for_the_hash(
    kind: FilesKind, far: FilesKind, tmp_path: Path, place: Path
) -> None:
    protected = workload(FilesSource((str(grow(tmp_path / "zoo")),)))
    near, there = fingerprint(kind, protected, place), fingerprint(far, protected, place)
    assert (near.method, there.method) == ("files/blake3/1", "files/sha256/1")
    assert {**there.facts, "listing": ""} == {**near.facts, "listing": ""}
    assert told(manifest(there)) == told(manifest(near))


def told(recorded: Manifest) -> dict[str, tuple[object, ...]]:
    """All that is recorded of each entry but its hash."""
    return {
        os.path.join(path, name): (entry, state, len(digest), kept.targets.get(name), kept.attributes.get(name))
        for path, kept in recorded.folders.items()
        for name, entry, state, digest in kept.entries()
    }


def test_a_restore_is_judged_here_by_the_hash_that_was_taken_there(
    far: FilesKind, protected: Workload, root: Path, place: Path, tmp_path: Path
) -> None:
    recorded = fingerprint(far, protected, place)
    folder = tmp_path / "restored"
    (restored := Path(f"{folder}{root}")).parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", root, restored], check=True)
    data = judge(far, protected, folder, place, recorded)[2]
    assert (data.result, data.detail) == (
        "passed",
        "3 files equal in size, modification time and SHA-256 what was recorded",
    )
    was = (restored / "a").stat()
    (restored / "a").write_text("CONTENT OF a")
    os.utime(restored / "a", ns=(0, was.st_mtime_ns))
    assert "a has other content" in judge(far, protected, folder, place, recorded)[2].detail


def test_an_unchanged_tree_keeps_its_fingerprint(far: FilesKind, protected: Workload, place: Path) -> None:
    first = fingerprint(far, protected, place)
    assert fingerprint(far, protected, place, first) is first


def test_only_what_changed_is_read_again(far: FilesKind, protected: Workload, root: Path, place: Path) -> None:
    first = fingerprint(far, protected, place)
    (root / "b").write_text("new")
    kept = manifest(first).folders[str(root)]
    marked = replace(kept, digests=b"\x07" * len(kept.digests))
    folders = {**manifest(first).folders, str(root): marked}
    second = fingerprint(far, protected, place, replace(first, body=encode(replace(manifest(first), folders=folders))))
    digests = {name: digest for name, _, _, digest in manifest(second).folders[str(root)].entries()}
    assert digests["a"] == b"\x07" * 32
    assert digests["b"] != b"\x07" * 32


def test_hashes_of_the_other_way_are_not_taken_over(
    kind: FilesKind, far: FilesKind, protected: Workload, place: Path
) -> None:
    near = fingerprint(kind, protected, place)
    again = fingerprint(far, protected, place, near)
    assert again.method == "files/sha256/1"
    assert again.body == fingerprint(far, protected, place).body


def test_what_moves_during_the_copy_is_listed_and_never_a_failure(
    far: FilesKind, protected: Workload, root: Path, place: Path
) -> None:
    def live() -> None:
        (root / "a").write_text("written meanwhile")
        (root / "b").unlink()
        (root / "new").write_text("x")

    recorded = fingerprint(far, protected, place, meanwhile=live)
    assert states(recorded) == {"source": State.CHANGED, "a": State.CHANGED, "new": State.APPEARED}
    assert recorded.facts["vanished_examples"] == [str(root / "b")]


def test_what_changes_while_it_is_hashed_is_changed(
    far: FilesKind, machine: Machine, protected: Workload, root: Path, place: Path
) -> None:
    def stir(line: str) -> None:
        if "getfattr -d" in line:  # between the hash and the last look
            (root / "a").write_text("CONTENT OF a")
            (root / "b").unlink()

    machine.before = stir
    assert states(fingerprint(far, protected, place)) == {"a": State.CHANGED, "b": State.CHANGED}


def test_a_pipe_in_the_place_of_a_file_holds_nobody_up_for_long(
    runner: Processes, machine: Machine, protected: Workload, root: Path, place: Path
) -> None:
    def stir(line: str) -> None:
        if "sha256sum -z" in line:
            (root / "a").unlink()
            os.mkfifo(root / "a")

    machine.before = stir
    far = FilesKind(runner, SystemClock(), trees=StockTrees(machine, patience_s=1))
    found = states(fingerprint(far, protected, place))
    assert found["a"] == State.CHANGED
    assert set(found.values()) <= {State.CHANGED, State.UNREADABLE}


def test_what_cannot_be_read_is_listed_and_no_failure(tmp_path: Path) -> None:
    for above in [tmp_path, *tmp_path.parents][:-2]:
        above.chmod(above.stat().st_mode | 0o711)
    root, place = tmp_path / "source", tmp_path / "place"
    root.mkdir()
    place.mkdir()
    for name in ("closed", "it's\nodd", "names only"):
        (root / name).mkdir()
        (root / name / "inside").touch()
        (root / name).chmod(0o444 if name == "names only" else 0)
    (root / "fine").write_text("fine")
    (root / "secret").write_text("secret")
    (root / "secret").chmod(0)
    protected = workload(FilesSource((str(root),)))
    said = as_nobody(lambda: repr(sorted(states(fingerprint(as_somebody(tmp_path), protected, place)).items())))
    closed = [(name, State.UNREADABLE) for name in ("closed", "it's\nodd", "names only", "secret")]
    assert said == repr(closed)


def as_somebody(tmp_path: Path) -> FilesKind:
    processes = Processes(HostSecrets(), SystemClock(), str(tmp_path / "state"))
    return FilesKind(processes, SystemClock(), trees=StockTrees(processes))


def test_missing_and_closed_paths_are_named_before_anything_is_copied(
    far: FilesKind, tmp_path: Path, place: Path
) -> None:
    (tmp_path / "there").touch()
    paths = (str(tmp_path / "gone"), str(tmp_path / "there"), str(tmp_path / "lost\udcff"))
    with (
        pytest.raises(SourceFailed, match=r"gone, .*/lost\\udcff cannot be read or does not exist"),
        far.hold(HoldRequest(workload(FilesSource(paths)), "run", str(place)), Silent()),
    ):
        pass


def test_a_root_that_goes_away_during_the_copy_fails_the_source(
    far: FilesKind, protected: Workload, root: Path, place: Path
) -> None:
    with pytest.raises(SourceFailed, match="source is gone: No such file"):
        fingerprint(far, protected, place, meanwhile=lambda: root.rename(root.with_name("elsewhere")))


def test_what_fstab_lists_there_must_be_mounted(far: FilesKind, tmp_path: Path, place: Path) -> None:
    disk = tmp_path / "the disk"
    (disk / "crm").mkdir(parents=True)
    (tmp_path / "fstab").write_text(f"/dev/sdb1 {str(disk).replace(' ', chr(92) + '040')} ext4 defaults 0 2\n")
    with pytest.raises(SourceFailed, match="the disk is not mounted"):
        far.look(workload(FilesSource((str(disk / "crm"),))), Silent())


def test_mount_points_there_are_recorded(far: FilesKind, place: Path) -> None:
    recorded = fingerprint(far, workload(FilesSource(("/dev/shm",)), empty=True), place)
    assert recorded.facts["mounts"] == ["/dev/shm"]


def test_a_link_as_path_is_a_finding(far: FilesKind, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (finding,) = far.look(workload(FilesSource((str(tmp_path / "link"),))), Silent()).findings
    assert str(tmp_path / "real") in (finding.hint or "")


def test_a_machine_without_the_tools_is_named_by_what_it_lacks(
    far: FilesKind, protected: Workload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", tools(tmp_path, without=("find", "sha256sum")))
    with pytest.raises(SourceFailed, match="find, sha256sum not installed on the machine of the source"):
        far.look(protected, Silent())


def tools(tmp_path: Path, without: tuple[str, ...]) -> str:
    """A folder of programs that has all of this machine's but those."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in (*Path("/usr/bin").iterdir(), Path("/bin/sh")):
        if program.name not in without and not (folder / program.name).exists():
            (folder / program.name).symlink_to(program)
    return str(folder)


def test_without_getfattr_attributes_are_said_not_to_be_compared(
    far: FilesKind, protected: Workload, root: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.setxattr(root / "a", "user.tag", b"x")
    with monkeypatch.context() as poor:
        poor.setenv("PATH", tools(tmp_path, without=("getfattr",)))
        recorded = fingerprint(far, protected, place)
    folder = tmp_path / "restored"
    (restored := Path(f"{folder}{root}")).parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", root, restored], check=True)
    structure = judge(far, protected, folder, place, recorded)[1]
    assert structure.result == "passed"
    assert "extended attributes were not recorded and are not compared" in structure.detail


def test_a_machine_that_does_not_answer_is_unavailable_and_not_an_empty_tree(
    far: FilesKind, machine: Machine, protected: Workload, place: Path
) -> None:
    def cut(line: str) -> None:
        if "find" in line and "printf" in line:
            raise Unavailable("the way is cut")

    machine.before = cut
    with pytest.raises(Unavailable):
        fingerprint(far, protected, place)


def test_an_answer_that_is_cut_short_is_not_taken_for_a_smaller_tree(
    far: FilesKind, protected: Workload, tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tools(tmp_path, without=("find",))
    (Path(path) / "find").write_text('#!/bin/sh\n/usr/bin/find "$@" | head -c 100; kill -9 $$\n')
    (Path(path) / "find").chmod(0o755)
    monkeypatch.setenv("PATH", path)
    with pytest.raises(SourceFailed, match="did not end well"):
        fingerprint(far, protected, place)


def test_more_files_than_are_read_at_once_are_all_read(
    kind: FilesKind, far: FilesKind, machine: Machine, protected: Workload, root: Path, place: Path
) -> None:
    for number in range(3 * 2_500):
        folder = root / f"{number % 3}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number} {'long' * 20}").touch()
    hashed: list[str] = []
    machine.before = lambda line: hashed.append(line) if "sha256sum -z" in line else None
    assert told(manifest(fingerprint(far, protected, place))) == told(manifest(fingerprint(kind, protected, place)))
    assert len(hashed) == 2
