"""A tree goes through the real restic; then each kind of damage is done to what came back, and is named."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from backstay.domain.drills import LevelResult
from backstay.domain.estate import FilesSource, Workload
from backstay.domain.points import Fingerprint
from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.kinds.files import FilesKind
from backstay.ports.engine import SEAL_FILE
from files_zoo import grow
from kinds_at_work import Restic, as_nobody, fingerprint, judge, workload


@dataclass(frozen=True)
class Round:
    """A source, what was recorded of it, and what restic brought back."""

    protected: Workload
    root: Path
    recorded: Fingerprint
    restored: Path


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory, restic: Restic) -> Round:
    base = tmp_path_factory.mktemp("zoo")
    root = grow(base / "source")
    protected = workload(FilesSource((str(root),)))
    taken: list[str] = []
    recorded = fingerprint(
        FilesKind(Processes(HostSecrets(), SystemClock(), str(base)), SystemClock()),
        protected,
        base,
        meanwhile=lambda: taken.append(restic.backup([str(root)])),
    )
    return Round(protected, root, recorded, restic.restore(taken[0], base / "restored"))


@pytest.fixture
def copy(healthy: Round, tmp_path: Path) -> Path:
    """A restored tree of one's own, to be damaged."""
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", str(healthy.restored), str(copy)], check=True)
    return copy


def levels(kind: FilesKind, round_: Round, folder: Path, place: Path) -> list[LevelResult]:
    return judge(kind, round_.protected, folder, place, round_.recorded)


def test_a_healthy_restore_of_everything_raises_nothing(kind: FilesKind, healthy: Round, place: Path) -> None:
    found = levels(kind, healthy, healthy.restored, place)
    assert [one.result for one in found] == ["passed"] * 3, found
    assert found[2].detail.startswith("24 files equal")


def test_the_seal_is_no_part_of_the_data(kind: FilesKind, healthy: Round, copy: Path, place: Path) -> None:
    (copy / SEAL_FILE).write_text("{}")
    assert [one.result for one in levels(kind, healthy, copy, place)] == ["passed"] * 3


def test_a_socket_and_a_link_that_restic_mangles_are_said_to_be_beyond_proof(healthy: Round) -> None:
    assert healthy.recorded.facts["not_comparable"].startswith("not comparable: 2 are sockets or links")
    assert {Path(path).name for path in healthy.recorded.facts["examples"]} == {"mangled", "socket"}


def keeping_times(act: Callable[[Path], object]) -> Callable[[Path], None]:
    def quietly(path: Path) -> None:
        before, above = path.stat(), path.parent.stat()
        act(path)
        for one, seen in ((path, before), (path.parent, above)):
            if one.exists():
                os.utime(one, ns=(seen.st_atime_ns, seen.st_mtime_ns))

    return quietly


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def split(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


def retarget(path: Path) -> None:
    path.unlink()
    path.symlink_to("empty")
    os.chown(path, 1234, 5678, follow_symlinks=False)


def another_device(path: Path) -> None:
    path.unlink()
    os.mknod(path, 0o020600, os.makedev(1, 5))


def swap_type(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o644)


DAMAGE: dict[str, tuple[str, Callable[[Path], object], str, str]] = {
    "mode changed": ("mode-0600", lambda p: p.chmod(0o644), "L4", "mode-0600 has mode 0644; 0600 was there"),
    "set-uid bit lost": ("mode-4755", lambda p: p.chmod(0o755), "L4", "mode-4755 has mode 0755; 4755 was there"),
    "owner changed": (
        "owned",
        lambda p: os.chown(p, 0, 5678),
        "L4",
        "owned belongs to 0:5678; it belonged to 1234:5678",
    ),
    "owner of a link changed": ("link", lambda p: os.lchown(p, 0, 0), "L4", "link belongs to 0:0"),
    "file missing": ("plain", Path.unlink, "L4", "plain is missing"),
    "folder missing": ("deep", shutil.rmtree, "L4", "deep is missing"),
    "empty folder missing": ("empty folder", shutil.rmtree, "L4", "empty folder is missing"),
    "empty file missing": ("empty", Path.unlink, "L4", "empty is missing"),
    "odd name missing": ("not-utf8-\udcff\udcfe", Path.unlink, "L4", "not-utf8-\\udcff\\udcfe is missing"),
    "extra file": ("more", Path.touch, "L4", "more was not there"),
    "extra file above": ("../more", Path.touch, "L4", "more was not there"),
    "extra file deep down": ("deep/deep/deep/more", Path.touch, "L4", "deep/deep/deep/more was not there"),
    "file became a folder": ("plain", swap_type, "L4", "plain is a folder; a file was there"),
    "link retargeted": ("link", retarget, "L4", "link points to empty; it pointed to plain"),
    "hard link split": ("twin-b", split, "L4", "twin-b is a file of its own; it was the same file as"),
    "hard link invented": ("again", lambda p: os.link(p.parent / "plain", p), "L4", "plain shares its content with"),
    "attribute lost": ("tagged", lambda p: os.removexattr(p, "user.tag"), "L4", "tagged lost its attribute user.tag"),
    "attribute changed": ("tagged", lambda p: os.setxattr(p, "user.tag", b"?"), "L4", "has another attribute user.tag"),
    "attribute added": ("plain", lambda p: os.setxattr(p, "user.x", b"?"), "L4", "plain has a new attribute user.x"),
    "capability lost": (
        "capable",
        lambda p: os.removexattr(p, "security.capability"),
        "L4",
        "capable lost its attribute security.capability",
    ),
    "access list lost": (
        "tagged",
        lambda p: subprocess.run(["setfacl", "-x", "u:1234", str(p)], check=True),
        "L4",
        "tagged has another attribute system.posix_acl_access",
    ),
    "another device": (
        "device",
        another_device,
        "L4",
        "device is another device",
    ),
    "pipe lost": ("pipe", Path.unlink, "L4", "pipe is missing"),
    "one byte changed": ("large", keeping_times(flip), "L5", "large has other content"),
    "one byte of a sparse file": ("sparse", keeping_times(flip), "L5", "sparse has other content"),
    "older version": ("plain", keeping_times(lambda p: p.write_text("older one")), "L5", "plain has 9 bytes; 13 were"),
    "truncated": ("large", keeping_times(lambda p: os.truncate(p, 5)), "L5", "large has 5 bytes; 3,145,731 were there"),
    "emptied": ("plain", keeping_times(lambda p: p.write_text("")), "L5", "plain has 0 bytes; 13 were there"),
    "time lost": ("owned", lambda p: os.utime(p), "L5", "owned has another modification time"),
    "time of a folder lost": (
        "empty folder",
        lambda p: os.utime(p),
        "L5",
        "empty folder has another modification time",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_caught_by_its_level_and_named(
    kind: FilesKind, healthy: Round, copy: Path, place: Path, damage: str
) -> None:
    name, act, level, sentence = DAMAGE[damage]
    act(Path(f"{copy}{healthy.root}") / name)
    found = {one.level: one for one in levels(kind, healthy, copy, place)}[level]  # type: ignore[index] # a str is fine
    assert found.result == "failed"
    assert sentence in found.detail


def test_an_empty_restore_folder_fails_and_counts_what_is_missing(
    kind: FilesKind, healthy: Round, tmp_path: Path, place: Path
) -> None:
    folder = tmp_path / "nothing"
    folder.mkdir()
    _, structure, data = levels(kind, healthy, folder, place)
    assert structure.detail.startswith(f"{healthy.root} is missing; ")
    assert "more" in structure.detail
    assert data.result == "failed"


def test_without_a_fingerprint_nothing_is_judged(kind: FilesKind, healthy: Round, place: Path) -> None:
    found = judge(kind, healthy.protected, healthy.restored, place, None)
    assert [one.result for one in found] == ["passed", "skipped", "skipped"]


def test_an_ordinary_account_cannot_restore_owners_and_says_so(
    kind: FilesKind, healthy: Round, copy: Path, place: Path
) -> None:
    for path in [copy, *copy.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    (Path(f"{copy}{healthy.root}") / "device").unlink()
    for above in [copy, *copy.parents][:-2]:
        above.chmod(above.stat().st_mode | 0o711)
    said = as_nobody(lambda: repr(levels(kind, healthy, copy, place)[1]))
    assert "owners, devices and security attributes are not compared" in said
    assert " belong" not in said
