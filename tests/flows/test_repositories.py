"""When a repository may be written to, and how an operator begins anew after damage."""

from __future__ import annotations

import shutil

import pytest

from backstay.domain.errors import MachineLacks
from backstay.domain.points import RestorePoint
from backstay.engines.memory import MemoryEngine
from backstay.flows.restore import RepositoryVerdict, verify_repository
from backstay.ports.engine import Repository, StoredPoint
from backstay.ports.progress import Progress, Silent
from flows.small_estate import SmallEstate
from flows.test_backup_flow import take
from flows.test_drill_flow import drilled, flip_one_byte, point_of, state


def run_again(house: SmallEstate, run_id: str) -> str:
    """The result of another run, or the code of what stopped it."""
    house.ask(run_id)
    result = take(house, run_id).result
    run = house.catalog.run(run_id)
    return run.error.code if run and run.error else result


def verified(house: SmallEstate, point: RestorePoint) -> RepositoryVerdict:
    seen = verify_repository(house.adapters(), point, "structure", Silent())
    for lost in seen.written_off:
        house.catalog.set_point_state(lost, "damaged")
    return seen


def test_nothing_is_added_to_a_repository_that_a_drill_found_damaged(house: SmallEstate) -> None:
    point = point_of(house)
    flip_one_byte(house)
    assert drilled(house, point).verdict == "failed"
    assert run_again(house, "r2") == "damaged"
    assert [each.run_id for each in house.catalog.points("w")] == ["r1"]


def test_a_mended_repository_takes_backups_once_a_drill_has_seen_it(house: SmallEstate) -> None:
    point = point_of(house)
    flip_one_byte(house)
    drilled(house, point)
    flip_one_byte(house)
    assert run_again(house, "r2") == "damaged"
    assert drilled(house, point, name="d2").verdict == "proven"
    assert run_again(house, "r3") == "done"


def test_a_repository_set_aside_is_begun_anew_and_the_old_points_no_longer_count(house: SmallEstate) -> None:
    point = point_of(house)
    flip_one_byte(house)
    drilled(house, point)
    place = house.root / "vault" / "memory" / "w"
    place.rename(place.with_name("w.damaged"))
    assert verified(house, point).problems == (f"the repository {place} is gone",)
    assert run_again(house, "r2") == "done"
    newest = house.catalog.point_of_run("r2")
    assert newest is not None
    assert drilled(house, newest, name="d2").verdict == "proven"
    assert run_again(house, "r3") == "done"


def test_a_repository_that_is_gone_is_not_replaced_until_its_points_are_written_off(house: SmallEstate) -> None:
    point = point_of(house)
    shutil.rmtree(house.root / "vault" / "memory" / "w")
    (house.root / "vault" / "neighbour").mkdir()
    assert run_again(house, "r2") == "damaged"
    assert run_again(house, "r3") == "damaged"
    assert verified(house, point).written_off == (point.point,)
    assert run_again(house, "r4") == "done"


def test_verify_writes_off_a_forgotten_point_once_and_leaves_the_others(house: SmallEstate) -> None:
    first = point_of(house, "r1")
    second = point_of(house, "r2")
    (house.root / "vault" / "memory" / "w" / "snapshots" / first.snapshot).unlink()
    assert verified(house, second).written_off == (first.point,)
    assert verified(house, second).problems == ()
    assert (state(house, first), state(house, second)) == ("damaged", "taken")


class LacksItsTool(MemoryEngine):
    """An engine whose program is not installed."""

    def restore_points(self, repository: Repository, progress: Progress) -> list[StoredPoint]:
        raise MachineLacks("the tool is not installed")


def test_a_missing_tool_writes_nothing_off(house: SmallEstate) -> None:
    point = point_of(house)
    house.engines["memory"] = LacksItsTool()
    with pytest.raises(MachineLacks):
        verified(house, point)
    assert state(house, point) == "taken"
