"""What a drill promises: every ending has its verdict, its record, and its effect on the point."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from backstay.app.drills import exit_code
from backstay.domain.drills import Drill, Level
from backstay.domain.errors import Cancelled, ExitCode, SourceFailed, Unavailable
from backstay.domain.estate import Plausible, Question, SqliteSource
from backstay.domain.points import RestorePoint
from backstay.flows.drill import DrillFlow
from backstay.kinds.files import FilesKind
from backstay.kinds.sqlite import SqliteKind
from backstay.ports.kind import Raised, RaiseRequest
from backstay.ports.progress import Progress, Silent
from flows.small_estate import SmallEstate
from flows.test_backup_flow import take


def point_of(house: SmallEstate, run_id: str = "r1") -> RestorePoint:
    house.ask(run_id)
    assert take(house, run_id).result == "done"
    point = house.catalog.point_of_run(run_id)
    assert point is not None
    return point


def drilled(house: SmallEstate, point: RestorePoint, depth: Level = "L6", name: str = "d1") -> Drill:
    return DrillFlow(house.adapters()).drill(name, point, depth, Silent())


def results(drill: Drill) -> dict[str, str]:
    return {level.level: level.result for level in drill.levels}


def state(house: SmallEstate, point: RestorePoint) -> str:
    found = house.catalog.point(point.point)
    assert found is not None
    return found.state


def flip_one_byte(house: SmallEstate) -> None:
    piece = max((house.root / "vault").rglob("objects/*"), key=lambda path: path.stat().st_size)
    content = bytearray(piece.read_bytes())
    content[10] ^= 1
    piece.chmod(0o600)
    piece.write_bytes(content)


def test_a_healthy_point_is_proven_and_says_so_in_the_catalog(house: SmallEstate) -> None:
    point = point_of(house)
    drill = drilled(house, point)
    assert drill.verdict == "proven"
    assert drill.rto_s is not None
    assert state(house, point) == "proven"
    assert house.catalog.facts()["w"].last_proven == drill


def test_a_flipped_byte_fails_at_l0_and_the_deeper_levels_are_not_reached(house: SmallEstate) -> None:
    point = point_of(house)
    flip_one_byte(house)
    drill = drilled(house, point)
    assert drill.verdict == "failed"
    assert results(drill)["L0"] == "failed"
    assert all(level.detail == "not reached" for level in drill.levels[1:])
    assert state(house, point) == "damaged"
    assert house.catalog.facts()["w"].last_point is None
    assert "set it aside" in (drill.findings[0].hint or "")


def test_a_point_that_is_whole_again_is_proven_again(house: SmallEstate) -> None:
    point = point_of(house)
    flip_one_byte(house)
    drilled(house, point)
    flip_one_byte(house)
    assert drilled(house, point, name="d2").verdict == "proven"
    assert state(house, point) == "proven"


def test_a_drill_without_a_fingerprint_can_at_most_be_restored(house: SmallEstate) -> None:
    known = point_of(house)
    bare = house.catalog.add_point(replace(known, point="bare", run_id="another"), None)
    # It stands for the same snapshot, which carries the known run: it is not that run's point.
    assert drilled(house, bare).verdict == "failed"
    drill = drilled(house, known, depth="L4", name="d2")
    assert drill.verdict == "restored"
    assert state(house, known) == "restored"


def test_a_shallow_drill_never_lowers_a_proven_point(house: SmallEstate) -> None:
    point = point_of(house)
    drilled(house, point)
    proven = house.catalog.point(point.point)
    assert proven is not None
    assert drilled(house, proven, depth="L2", name="d2").verdict == "restored"
    assert state(house, point) == "proven"


def test_a_target_that_is_gone_is_inconclusive_and_not_damage(house: SmallEstate) -> None:
    point = point_of(house)
    (house.root / "vault").rename(house.root / "elsewhere")
    drill = drilled(house, point)
    assert drill.verdict == "inconclusive"
    assert results(drill)["L0"] == "skipped"
    assert state(house, point) == "taken"


class LacksItsServer(FilesKind):
    """A kind whose service cannot be started on this machine."""

    @contextmanager
    def raise_elsewhere(self, request: RaiseRequest, progress: Progress) -> Iterator[Raised]:  # type: ignore[override]  # a narrower return type than needed
        raise Unavailable("no server of that version here")
        yield


def test_a_missing_server_is_restored_at_most_and_says_why(house: SmallEstate) -> None:
    point = point_of(house)
    house.kinds["files"] = LacksItsServer(house.runner(), house.clock)
    drill = drilled(house, point)
    assert drill.verdict == "restored"
    assert ("L3", "skipped", "no server of that version here") in [
        (level.level, level.result, level.detail) for level in drill.levels
    ]


class BreaksWhileRaised(FilesKind):
    """A kind whose data cannot be brought to life."""

    @contextmanager
    def raise_elsewhere(self, request: RaiseRequest, progress: Progress) -> Iterator[Raised]:  # type: ignore[override]  # as above
        raise SourceFailed("the data does not start")
        yield


def test_data_that_cannot_be_raised_fails_at_l3(house: SmallEstate) -> None:
    point = point_of(house)
    house.kinds["files"] = BreaksWhileRaised(house.runner(), house.clock)
    drill = drilled(house, point)
    assert (drill.verdict, results(drill)["L3"]) == ("failed", "failed")


class StopsAtRestore(Silent):
    """Somebody stops the drill once the restore begins."""

    def __init__(self) -> None:
        self.restoring = False

    def phase(self, name: str) -> None:
        self.restoring = self.restoring or name == "L2"

    def check(self) -> None:
        if self.restoring:
            raise Cancelled("stopped")


def test_a_stopped_drill_leaves_no_record_and_no_folder(house: SmallEstate) -> None:
    point = point_of(house)
    with pytest.raises(Cancelled):
        DrillFlow(house.adapters()).drill("d1", point, "L6", StopsAtRestore())
    assert not house.catalog.drills("w")
    assert not list((house.root / "places").iterdir())


def test_the_users_questions_are_asked_and_a_wrong_answer_fails(house: SmallEstate) -> None:
    name = f"{house.source}/one".lstrip("/")
    right = hashlib.sha256((house.source / "one").read_bytes()).hexdigest()
    house.change(ask=(Question("one", checksum=name, expect=right),))
    point = point_of(house)
    assert results(drilled(house, point))["L7"] == "passed"
    house.change(ask=(Question("one", checksum=name, expect="0" * 64),))
    drill = drilled(house, point, name="d2")
    assert (drill.verdict, results(drill)["L7"]) == ("failed", "failed")


def test_every_drill_adds_a_link_to_the_chain_of_evidence(house: SmallEstate) -> None:
    point = point_of(house)
    for number in range(3):
        drilled(house, point, name=f"d{number}")
    previous = None
    for number in (1, 2, 3):
        evidence = house.catalog.evidence(number)
        assert evidence is not None
        assert evidence.digest == hashlib.sha256(evidence.record.encode()).hexdigest()
        assert json.loads(evidence.record)["previous"] == previous
        previous = evidence.digest


def test_the_drill_of_another_workloads_snapshot_fails_at_l6(house: SmallEstate, tmp_path: Path) -> None:
    first = point_of(house, "r1")
    second = point_of(house, "r2")
    snapshots = house.root / "vault" / "memory" / "w" / "snapshots"
    record = json.loads((snapshots / first.snapshot).read_text())
    assert record["run_id"] == "r1"
    record["run_id"] = "r2"
    forged = json.dumps(record)
    (snapshots / second.snapshot).unlink()
    (snapshots / hashlib.sha256(forged.encode()).hexdigest()).write_text(forged)
    drill = drilled(house, second)
    assert drill.verdict == "failed"


def test_a_point_of_another_kind_than_its_workload_has_now_is_not_called_damaged(house: SmallEstate) -> None:
    point = point_of(house)
    house.kinds["sqlite"] = SqliteKind(house.runner(), house.clock)
    house.change(kind="sqlite", source=SqliteSource("/srv/a.db"))
    drill = drilled(house, point)
    assert (drill.verdict, results(drill)["L3"]) == ("restored", "skipped")
    assert drill.levels[3].detail == f"point {point.point} is of kind files, and w is of kind sqlite now"
    assert state(house, point) == "restored"


@pytest.mark.parametrize(("depth", "code"), [("L6", ExitCode.FAILED), ("L4", ExitCode.GOOD)])
def test_what_could_not_be_tested_is_no_pass(house: SmallEstate, depth: Level, code: ExitCode) -> None:
    shutil.rmtree(house.source)
    house.source.mkdir()
    house.change(plausible=Plausible(empty=True))
    drill = drilled(house, point_of(house), depth)
    assert drill.verdict == "restored"
    assert exit_code([drill], depth) == code
