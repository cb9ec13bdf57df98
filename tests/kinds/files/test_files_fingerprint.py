"""What is recorded of a tree, what is carried over, and what is said of files that do not hold still."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.domain.errors import Cancelled
from backstay.domain.estate import FilesSource, Workload
from backstay.domain.points import Fingerprint
from backstay.kinds.files import FilesKind
from backstay.kinds.files.fingerprints import manifest_of
from backstay.kinds.files.manifest import Kept, Manifest, State, decode, encode
from backstay.kinds.files.tree import ENTRY_BYTES, Folder
from backstay.ports.kind import HoldRequest, RaiseRequest
from backstay.ports.progress import Silent
from kinds_at_work import as_nobody, fingerprint, judge, workload


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


def states(recorded: Fingerprint) -> dict[str, State]:
    manifest = manifest_of(recorded)
    assert manifest
    return {os.path.basename(path): state for path, state in manifest.doubtful()}


def digest_of(recorded: Fingerprint, name: str) -> bytes:
    manifest = manifest_of(recorded)
    assert manifest
    return next(d for kept in manifest.folders.values() for found, _, _, d in kept.entries() if found == name)


def test_an_unchanged_tree_keeps_its_fingerprint(kind: FilesKind, protected: Workload, place: Path) -> None:
    first = fingerprint(kind, protected, place)
    assert fingerprint(kind, protected, place, first) is first


def test_what_did_not_change_is_not_read_again(kind: FilesKind, protected: Workload, root: Path, place: Path) -> None:
    first = fingerprint(kind, protected, place)
    (root / "b").write_text("new")
    manifest = manifest_of(first)
    assert manifest
    kept = manifest.folders[str(root)]
    marked = replace(kept, digests=b"\x07" * len(kept.digests))
    earlier = replace(first, body=encode(replace(manifest, folders={**manifest.folders, str(root): marked})))
    second = fingerprint(kind, protected, place, earlier)
    assert digest_of(second, "a") == b"\x07" * 32
    assert digest_of(second, "b") != b"\x07" * 32


def test_a_file_whose_time_was_set_back_is_read_again(
    kind: FilesKind, protected: Workload, root: Path, place: Path
) -> None:
    first = fingerprint(kind, protected, place)
    before = (root / "a").stat()
    (root / "a").write_text("CONTENT OF a")
    os.utime(root / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (root / "a").stat().st_size == before.st_size
    assert digest_of(fingerprint(kind, protected, place, first), "a") != digest_of(first, "a")


def test_other_excludes_make_another_fingerprint(kind: FilesKind, root: Path, place: Path) -> None:
    first = fingerprint(kind, workload(FilesSource((str(root),))), place)
    second = fingerprint(kind, workload(FilesSource((str(root),), ("never there",))), place, first)
    assert second.facts["exclude"] == ["never there"]


def test_an_unreadable_record_costs_time_and_not_the_backup(kind: FilesKind, protected: Workload, place: Path) -> None:
    first = fingerprint(kind, protected, place)
    broken = replace(first, body=b"rubbish", facts={**first.facts, "listing": "other"})
    assert fingerprint(kind, protected, place, broken).body == first.body


def test_what_moves_during_the_copy_is_listed_and_never_a_failure(
    kind: FilesKind, protected: Workload, root: Path, place: Path
) -> None:
    def live() -> None:
        (root / "a").write_text("written meanwhile")
        (root / "b").unlink()
        (root / "new").write_text("x")

    recorded = fingerprint(kind, protected, place, meanwhile=live)
    assert states(recorded) == {"source": State.CHANGED, "a": State.CHANGED, "new": State.APPEARED}
    assert recorded.facts["vanished_examples"] == [str(root / "b")]
    assert recorded.facts["not_comparable"] == ("not comparable: 2 changed during the copy, 1 appeared during the copy")


def test_a_drill_judges_the_rest_when_something_moved(
    kind: FilesKind, protected: Workload, root: Path, place: Path, tmp_path: Path
) -> None:
    recorded = fingerprint(kind, protected, place, meanwhile=lambda: (root / "a").write_text("written meanwhile"))
    folder = tmp_path / "restored"
    restored = Path(f"{folder}{root}")
    restored.parent.mkdir(parents=True)
    os.system(f"cp -a {root} {restored}")
    (restored / "a").write_text("some other moment of it")
    _, structure, data = judge(kind, protected, folder, place, recorded)
    assert (structure.result, data.result) == ("passed", "passed")
    assert data.detail.startswith("2 files equal")
    assert "1 changed during the copy" in data.detail


def test_what_moved_once_is_read_the_next_time(kind: FilesKind, protected: Workload, root: Path, place: Path) -> None:
    first = fingerprint(kind, protected, place, meanwhile=lambda: (root / "a").write_text("meanwhile"))
    second = fingerprint(kind, protected, place, first)
    assert states(second) == {}
    assert second.facts["settled"] is True


def test_nothing_comparable_is_skipped_with_the_reason(
    kind: FilesKind, root: Path, place: Path, tmp_path: Path
) -> None:
    protected = workload(FilesSource((str(root / "a"),)))
    recorded = fingerprint(kind, protected, place, meanwhile=lambda: (root / "a").write_text("meanwhile"))
    data = judge(kind, protected, tmp_path, place, recorded)[2]
    assert data.result == "skipped"
    assert "no file whose content could be compared; not comparable: 1 changed" in data.detail


def test_a_tree_that_never_rests_is_fingerprinted_without_a_failure(
    kind: FilesKind, protected: Workload, root: Path, place: Path
) -> None:
    """Files written, cut short, renamed and replaced by pipes while they are hashed."""
    for number in range(300):
        (root / f"f{number:03d}").write_bytes(os.urandom(200_000))
    stop = Event()

    def stir() -> None:
        number = 0
        while not stop.is_set():
            number = (number + 7) % 300
            one, other = root / f"f{number:03d}", root / f"f{(number + 1) % 300:03d}"
            one.write_bytes(b"x" * 1000)
            os.truncate(one, 10)
            one.replace(other)
            os.mkfifo(one)
            one.unlink()
            one.write_text("back")

    thread = Thread(target=stir)
    thread.start()
    try:
        recorded = fingerprint(kind, protected, place)
    finally:
        stop.set()
        thread.join()
    assert State.CHANGED in states(recorded).values()
    assert "c" not in states(recorded)


def test_what_cannot_be_read_is_listed_and_no_failure(tmp_path: Path, kind: FilesKind) -> None:
    for above in [tmp_path, *tmp_path.parents][:-2]:
        above.chmod(above.stat().st_mode | 0o711)
    root, place = tmp_path / "source", tmp_path / "place"
    root.mkdir()
    place.mkdir(exist_ok=True)
    (root / "fine").write_text("fine")
    (root / "secret").write_text("secret")
    (root / "secret").chmod(0)
    (root / "closed").mkdir(mode=0)
    protected = workload(FilesSource((str(root),)))
    said = as_nobody(lambda: repr(sorted(states(fingerprint(kind, protected, place)).items())))
    assert said == repr([("closed", State.UNREADABLE), ("secret", State.UNREADABLE)])


def test_many_vanished_files_are_counted_and_not_all_named(kind: FilesKind, root: Path, place: Path) -> None:
    many = root / "many"
    many.mkdir()
    for number in range(10_050):
        (many / f"{number}").touch()

    def empty() -> None:
        for path in many.iterdir():
            path.unlink()

    recorded = fingerprint(kind, workload(FilesSource((str(root),))), place, meanwhile=empty)
    manifest = manifest_of(recorded)
    assert manifest
    assert (len(manifest.vanished), recorded.facts["vanished"]) == (10_000, 10_050)
    assert len(recorded.facts["vanished_examples"]) == 10


names = st.text(st.characters(exclude_characters="\0/", codec=None), min_size=1, max_size=8).filter(
    lambda name: os.fsdecode(name.encode("utf-8", "surrogateescape")) == name if _encodes(name) else False
)


def _encodes(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


@given(st.dictionaries(names, st.lists(names, max_size=4, unique=True), max_size=4), st.lists(names, max_size=3))
def test_a_manifest_is_read_as_it_was_written(tree: dict[str, list[str]], vanished: list[str]) -> None:
    folders = {
        path: Kept(
            Folder(listed, os.urandom(8) * (ENTRY_BYTES // 8) * len(listed)),
            bytes([State.UNREADABLE] * len(listed)),
            b"d" * 32 * len(listed),
            {name: name for name in listed},
            {name: {"user.x": name} for name in listed},
        )
        for path, listed in tree.items()
    }
    manifest = Manifest(("/srv",), ("*.tmp",), folders, tuple(vanished), len(vanished))
    assert decode(encode(manifest)) == manifest


def test_a_restore_is_not_changed_by_its_judgement(
    kind: FilesKind, protected: Workload, root: Path, place: Path, tmp_path: Path
) -> None:
    recorded = fingerprint(kind, protected, place)
    folder = tmp_path / "restored"
    Path(f"{folder}{root.parent}").mkdir(parents=True)
    os.system(f"cp -a {root} {folder}{root}")
    before = {path: path.stat() for path in folder.rglob("*")}
    with kind.raise_elsewhere(RaiseRequest(protected, str(folder), str(place), recorded), Silent()) as raised:
        raised.structure(Silent()), raised.data(Silent())
    assert {path: path.stat() for path in folder.rglob("*")} == before


def test_the_source_is_not_touched(kind: FilesKind, protected: Workload, root: Path, place: Path) -> None:
    os.utime(root / "a", ns=(0, 0))
    with kind.hold(HoldRequest(protected, "run", str(place)), Silent()) as held:
        held.fingerprint(Silent())
    assert (root / "a").stat().st_atime_ns == 0


def test_a_cancelled_pass_stops_at_once(kind: FilesKind, protected: Workload, place: Path) -> None:
    class Stopping(Silent):
        def check(self) -> None:
            raise Cancelled("enough")

    with (
        pytest.raises(Cancelled),
        kind.hold(HoldRequest(protected, "run", str(place)), Silent()) as held,
    ):
        held.fingerprint(Stopping())
