"""Files that we may not read: a point that is kept and never counted. As an ordinary account, since root reads all."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from acceptance.estates import PROGRAM, Answer, Place, some_files
from sources.breaking import GOOD, done, kept, run, standing

ACCOUNT = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]


class PlaceOfNobody(Place):
    """The same, worked with as the account `nobody`."""

    def do(self, *arguments: str, timeout: float = 150) -> Answer:
        environment = {**self.environ(), "HOME": str(self.root)}
        command = [*ACCOUNT, PROGRAM, *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=timeout, check=False, cwd=self.root
        )
        return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def theirs() -> Iterator[Place]:
    """A folder of nobody's own, which pytest's are not."""
    root = Path(tempfile.mkdtemp(prefix="bsnobody", dir="/tmp"))
    (root / "vault").mkdir()
    for path in (root, root / "vault"):
        shutil.chown(path, "nobody", "nogroup")
    yield PlaceOfNobody(root)
    shutil.rmtree(root)


@pytest.mark.long
def test_a_partly_unreadable_source_gives_a_point_that_never_counts(theirs: Place) -> None:
    for name in ("one", "folder", GOOD):
        some_files(theirs.root / name)
    some_files(theirs.root / "folder" / "inner")
    trees = {name: f"kind: files, paths: [{theirs.root}/{name}]" for name in ("one", "folder", GOOD)}
    theirs.write(trees)
    done(run(theirs, status=0))
    whole = kept(theirs)
    (theirs.root / "one" / "file-1.txt").chmod(0)
    (theirs.root / "folder" / "inner").chmod(0)
    runs = run(theirs, status=3)
    assert {name: each["result"] for name, each in runs.items()} == {
        "one": "incomplete",
        "folder": "incomplete",
        GOOD: "done",
    }
    assert "one/file-1.txt" in " ".join(runs["one"]["warnings"])
    assert "folder/inner" in " ".join(runs["folder"]["warnings"])
    assert theirs.do("run", "one").status == 1
    _older_points_are_the_last_good_ones(theirs, whole)
    theirs.write(trees | {"one": trees["one"] + ", allow_unreadable: true"})
    done(run(theirs, "one", status=0))
    (theirs.root / "folder" / "inner").chmod(0o755)
    done(run(theirs, "folder", status=0))


def _older_points_are_the_last_good_ones(place: Place, whole: dict[str, tuple[str, str]]) -> None:
    stands, now = standing(place), kept(place)
    for name in ("one", "folder"):
        assert next(state for workload, state in now.values() if workload == name) == "incomplete"
        assert whole[stands[name]["point"]][0] == name
        assert stands[name]["state"] == "failing"
        assert "run-incomplete" in [finding["code"] for finding in stands[name]["findings"]]
    restored = place.ask("restore", "one", "--to", str(place.root / "back"))["restore"]
    assert restored["point"] == stands["one"]["point"]
    assert (restored["files"]) == 5
    (drill,) = place.ask("drill", "one")["drills"]
    assert (drill["point"], drill["verdict"]) == (stands["one"]["point"], "proven")
