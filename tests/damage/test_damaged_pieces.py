"""Stored files deleted, cut or changed by one byte: found at L0, before the engine is asked, and never for long."""

from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.estates import Place, leftovers, some_database, some_files
from damage.injecting import (
    LONGEST_DRILL_S,
    Damage,
    caught,
    cut,
    damaged,
    damaged_and_not_counted,
    delete,
    drilled,
    failed_levels,
    flip,
    pieces,
    proven_and_counted,
    seconds,
)

DAMAGES = [
    ("data", delete, "is missing"),
    ("data", cut, "bytes instead of"),
    ("data", flip, "does not match its name"),
    ("index", delete, "is missing"),
    ("index", flip, "does not match its name"),
    ("snapshots", delete, "no snapshot of run"),
    ("snapshots", flip, "does not match its name"),
    ("keys", delete, "key"),
    ("config", flip, "missing or wrong"),
]
MORE_DAMAGES = [
    ("index", cut, "bytes instead of"),
    ("snapshots", cut, "bytes instead of"),
    ("keys", flip, "does not match its name"),
    ("keys", cut, "bytes instead of"),
    ("config", delete, "config is missing"),
]


@pytest.fixture
def estate(place: Place) -> Place:
    """A tree and a database, each with one proven point."""
    tree = some_files(place.root / "tree")
    database = some_database(place.root / "ledger.db", 100)
    place.write({"tree": f"kind: files, paths: [{tree}]", "ledger": f"kind: sqlite, path: {database}"})
    place.begin("tree", "ledger")
    place.ask("run", "--all")
    assert [drill["verdict"] for drill in place.ask("drill", "--all")["drills"]] == ["proven", "proven"]
    return place


def _piece(place: Place, folder: str) -> Path:
    return place.repository("tree") / "config" if folder == "config" else pieces(place, "tree", folder)[0]


@pytest.mark.parametrize("damages", [DAMAGES, pytest.param(MORE_DAMAGES, marks=pytest.mark.long)])
def test_a_piece_deleted_cut_or_flipped_fails_at_L0_until_it_is_put_back(
    estate: Place, damages: list[tuple[str, Damage, str]]
) -> None:
    for folder, how, says in damages:
        piece = _piece(estate, folder)
        with damaged(piece, how):
            drill = drilled(estate, "tree")
            caught(drill, "L0", says)
            if says in ("is missing", "bytes instead of", "does not match its name"):
                assert piece.name in failed_levels(drill)["L0"]
    damaged_and_not_counted(estate, "tree")
    proven_and_counted(estate, "tree")
    assert [point["state"] for point in estate.points("ledger")] == ["proven"]
    assert not leftovers(estate)


@pytest.mark.long
def test_verify_names_damaged_packs_and_a_restore_from_them_does_not_look_whole(estate: Place) -> None:
    pack = pieces(estate, "tree", "data")[0]
    for how, options in ((delete, []), (flip, []), (flip, ["--read-all"])):
        with damaged(pack, how), seconds() as spent:
            answer = estate.do("verify", *options, "--json")
        assert spent() < LONGEST_DRILL_S
        assert answer.status == 6
        problems = {each["repository"]: each["problems"] for each in answer.document["repositories"]}
        assert pack.name in problems["tree"][0]
        assert not problems["ledger"]
    with damaged(pack, flip):
        _a_restore_fails_and_says_so(estate)
    # What was found damaged does not count again until a drill has seen it whole.
    assert [point["state"] for point in estate.points("tree")] == ["damaged"]
    proven_and_counted(estate, "tree")
    assert [point["state"] for point in estate.points("ledger")] == ["proven"]


@pytest.mark.long
def test_a_restore_without_a_pack_fails_and_does_not_look_whole(estate: Place) -> None:
    with damaged(pieces(estate, "tree", "data")[0], delete):
        _a_restore_fails_and_says_so(estate)


def test_a_backup_into_a_repository_that_lacks_a_pack_is_no_good_point(estate: Place) -> None:
    with damaged(pieces(estate, "tree", "data")[0], delete), seconds() as spent:
        answer = estate.do("run", "--all", "--json")
    assert answer.status == 6
    results = {run["workload"]: (run["result"], run["error"]) for run in answer.document["runs"]}
    assert results["ledger"] == ("done", None)
    assert results["tree"][0] == "failed"
    assert results["tree"][1]["code"] == "damaged"
    assert "is missing" in results["tree"][1]["message"]
    assert spent() < LONGEST_DRILL_S
    assert drilled(estate, "tree")["verdict"] == "proven"
    assert len(estate.points("tree")) == 1


def _a_restore_fails_and_says_so(place: Place) -> None:
    folder = place.root / "back"
    answer = place.do("restore", "tree", "--to", str(folder), "--json")
    assert answer.status in (1, 6)
    assert "vault/tree" in answer.document["error"]["message"]
    assert "Traceback" not in answer.err
    assert not folder.exists() or not any(folder.iterdir()) or (folder / "RESTORE-INCOMPLETE.txt").exists()
