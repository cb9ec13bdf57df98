"""What a backup promises, step by step, without the durable runtime."""

from __future__ import annotations

from dataclasses import replace

from backstay.domain.estate import FilesSource
from backstay.engines.restic import ResticEngine
from backstay.flows.backup import BackupFlow
from backstay.flows.drill import DrillFlow
from backstay.flows.records import Ended, Ticket
from backstay.ports.progress import Silent
from flows.small_estate import SmallEstate


def take(house: SmallEstate, run_id: str) -> Ended:
    flow = BackupFlow(house.adapters())
    return flow.finish(flow.copy(flow.prepare(flow.admit(Ticket(run_id)))))


def test_a_backup_leaves_one_point_with_its_fingerprint(house: SmallEstate) -> None:
    house.ask("r1")
    assert take(house, "r1").result == "done"
    (point,) = house.catalog.points("w")
    assert point.run_id == "r1"
    assert point.state == "taken"
    assert house.catalog.fingerprint(point.point) is not None
    assert len(house.snapshots()) == 1


def test_the_same_run_twice_leaves_one_point(house: SmallEstate) -> None:
    house.ask("r1")
    assert take(house, "r1") == take(house, "r1")
    assert len(house.catalog.points("w")) == 1
    assert len(house.snapshots()) == 1


def test_an_emptied_source_fails_and_older_points_stay(house: SmallEstate) -> None:
    house.ask("r1")
    take(house, "r1")
    for path in house.source.iterdir():
        path.unlink()
    house.ask("r2")
    assert take(house, "r2").result == "failed"
    assert [point.run_id for point in house.catalog.points("w")] == ["r1"]
    assert len(house.snapshots()) == 1


def test_a_shrunk_source_fails_unless_the_workload_allows_it(house: SmallEstate) -> None:
    house.ask("r1")
    take(house, "r1")
    for name in ("one", "two"):
        (house.source / name).unlink()
    house.ask("r2")
    assert take(house, "r2").result == "failed"
    run = house.catalog.run("r2")
    assert run is not None
    assert run.error is not None
    assert "were there at the last good point" in run.error.message


def test_a_cancelled_run_never_starts_copying(house: SmallEstate) -> None:
    house.ask("r1")
    house.catalog.request_cancel("r1")
    assert take(house, "r1").result == "cancelled"
    assert not house.catalog.points("w")


def test_a_pattern_that_would_leave_the_seal_out_leaves_only_the_users_files_out(house: SmallEstate) -> None:
    (house.source / "settings.json").write_text("{}")
    house.engines["restic"] = ResticEngine(house.runner())
    source = FilesSource((str(house.source),), ("*.json", "work"))
    house.change(engine="restic", source=source)
    house.catalog.add_run(replace(house.ask("r0"), run_id="r1", engine="restic"))
    assert take(house, "r1").result == "done"
    point = house.catalog.point_of_run("r1")
    assert point is not None
    drill = DrillFlow(house.adapters()).drill("d1", point, "L6", Silent())
    assert drill.verdict == "proven", drill.levels
