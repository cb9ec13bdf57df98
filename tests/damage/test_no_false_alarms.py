"""What people do to their own repositories and sources is no damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.estates import Place, some_files
from damage.injecting import Stock, drilled, proven_and_counted


def _twice(place: Place) -> Path:
    tree = some_files(place.root / "tree")
    place.write({"tree": f"kind: files, paths: [{tree}]"})
    place.begin("tree")
    place.ask("run", "tree")
    (tree / "noise").write_bytes(bytes(range(256)) * 500)
    place.ask("run", "tree")
    return tree


@pytest.mark.long
def test_tagging_forgetting_and_pruning_other_snapshots_leaves_the_newest_proven(place: Place) -> None:
    tree = _twice(place)
    stock = Stock(place)
    old, new = stock.snapshots("tree")
    stock.restic("tree", "tag", "--add", "audited", new["id"])
    (tree / "file-1.txt").write_text("the source goes on\n")
    (tree / "later").mkdir()
    proven_and_counted(place, "tree")
    place.ask("restore", "tree", "--to", str(place.root / "back"))
    assert (place.root / "back" / str(tree).lstrip("/") / "noise").stat().st_size == 128_000
    assert place.do("verify").status == 0
    stock.restic("tree", "forget", "--prune", "--max-unused=0", old["id"])
    proven_and_counted(place, "tree")
    _verify_reports_the_older_point_alone(place)
    place.ask("run", "tree")
    proven_and_counted(place, "tree")


def _verify_reports_the_older_point_alone(place: Place) -> None:
    newest, oldest = place.points("tree")
    answer = place.do("verify", "--json")
    assert answer.status == 6
    (verdict,) = answer.document["repositories"]
    (problem,) = verdict["problems"]
    assert oldest["point"] in problem
    assert "has no snapshot any more" in problem
    assert newest["point"] not in problem


def test_a_drill_without_its_program_shows_nothing_about_the_point(place: Place) -> None:
    tree = some_files(place.root / "tree")
    place.write({"tree": f"kind: files, paths: [{tree}]"})
    place.begin("tree")
    place.ask("run", "tree")
    place.environment["PATH"] = str(_programs_without_restic(place.root / "bin"))
    answer = place.do("drill", "tree", "--json")
    assert answer.status == 1
    (drill,) = answer.document["drills"]
    assert drill["verdict"] == "inconclusive"
    assert [point["state"] for point in place.points("tree")] == ["taken"]
    del place.environment["PATH"]
    assert drilled(place, "tree")["verdict"] == "proven"


def _programs_without_restic(folder: Path) -> Path:
    folder.mkdir()
    for name in ("setpriv", "tail", "unshare"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    return folder
