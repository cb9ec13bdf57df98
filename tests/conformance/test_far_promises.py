"""What every engine promises, kept by restic through doors to targets of every sort."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Literal

import pytest

from backstay.app.engine_harness import Throwaway
from backstay.domain.secrets import Secret
from backstay.engines.restic import ResticEngine
from backstay.host.clock import SystemClock
from backstay.ports.conformance import ENGINE_CHECKS, EngineCheck
from backstay.ports.engine import Repository
from backstay.ports.progress import Silent
from targets.far_places import FAR, Place, gateways, moto_server, place, rclone, s3_server, ssh_server

__all__ = ["gateways", "moto_server", "place", "rclone", "s3_server", "ssh_server"]

QUICK = {
    "sftp": "restored_bytes_are_the_bytes",
    "s3": "a_place_that_is_gone_is_unavailable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FarHarness(Throwaway):
    """A repository behind a door; damage is done past it."""

    far: Place
    lost: Repository

    def damage(self, piece: str, how: Literal["flip", "cut", "remove"]) -> None:
        path = f"restic/{self.repository.name}/{piece}"
        content = bytearray(self.far.fetch(path))
        self.repository.store.remove(piece)
        if how == "flip":
            content[len(content) // 2] ^= 1
            self.far.keep(path, bytes(content))
        elif how == "cut":
            self.far.keep(path, bytes(content[: len(content) // 2]))

    def gone(self) -> Repository:
        return self.lost


@contextmanager
def behind_doors(place: Place, folder: Path) -> Iterator[FarHarness]:
    """An empty repository behind one door, and another door behind which there is nothing."""
    engine = ResticEngine(place.rclone.runner)
    made = Repository("restic", place.target.name, "crm", Secret(token_hex(16)), place.store())
    lost = replace(made, name="gone", store=place.store("gone"))
    folder.mkdir()
    with (
        place.gateways.open(place.target, "restic", "crm", access="full") as door,
        place.gateways.open(place.target, "restic", "gone", access="full") as nowhere,
    ):
        made, lost = replace(made, door=door.address()), replace(lost, door=nowhere.address())
        engine.create(made, Silent())
        clock = SystemClock()
        yield FarHarness(engine, made, lost.store, clock, str(folder), far=place, lost=lost)


def _checks(quick: bool) -> list[object]:
    return [
        pytest.param(sort, check, id=f"{sort}-{check.__name__}")
        for sort in ("path", *FAR, "locked")
        for check in ENGINE_CHECKS
        if (check.__name__ == QUICK.get(sort)) is quick
    ]


@pytest.mark.parametrize(("place", "check"), _checks(quick=True), indirect=["place"])
def test_restic_keeps_its_promise_behind_a_door(place: Place, check: EngineCheck, tmp_path: Path) -> None:
    with behind_doors(place, tmp_path / "work") as harness:
        check(harness)


@pytest.mark.long
@pytest.mark.parametrize(("place", "check"), _checks(quick=False), indirect=["place"])
def test_restic_keeps_every_promise_behind_every_door(place: Place, check: EngineCheck, tmp_path: Path) -> None:
    with behind_doors(place, tmp_path / "work") as harness:
        check(harness)
