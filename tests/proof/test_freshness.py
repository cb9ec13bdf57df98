from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backstay.domain.points import PointState, RestorePoint
from backstay.ports.engine import StoredPoint
from backstay.proof.judging import freshness, newest_before, own_snapshot_of

AT = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
POINT = RestorePoint(
    point="p-1",
    run_id="run-1",
    workload="crm",
    kind="files",
    engine="restic",
    target="vault",
    level="full",
    as_of=AT,
    taken_at=AT,
    bytes=7,
    snapshot="5afe" * 16,
    nonce="n0nce",
    state="taken",
)
STORED = StoredPoint((POINT.snapshot,), "run-1", "crm", "n0nce", AT)
SEAL = {"run_id": "run-1", "workload": "crm", "nonce": "n0nce", "as_of": "2026-03-28T22:00:00.000Z"}
OTHER = "beef" * 16


@pytest.mark.parametrize(
    ("stored", "seal", "sealed"),
    [
        pytest.param(STORED, SEAL, True, id="as it was written"),
        pytest.param(replace(STORED, snapshots=(OTHER, POINT.snapshot)), SEAL, True, id="rewritten by the tool"),
        pytest.param(STORED, None, False, id="a stream has no place for a seal"),
        pytest.param(STORED, {**SEAL, "later": "field"}, True, id="sealed by a later version"),
    ],
)
def test_this_very_backup_is_fresh(stored: StoredPoint, seal: dict[str, str] | None, sealed: bool) -> None:
    assert freshness(POINT, stored, seal, sealed).result == "passed"


@pytest.mark.parametrize(
    ("stored", "seal", "sealed", "says"),
    [
        pytest.param(None, SEAL, True, "lists no snapshot of run run-1", id="gone"),
        pytest.param(
            replace(STORED, snapshots=(OTHER,)),
            SEAL,
            True,
            "snapshot beefbeef of 2026-03-28 22:00 UTC was served; run run-1 wrote 5afe5afe",
            id="another snapshot",
        ),
        pytest.param(replace(STORED, nonce="other"), SEAL, True, "another backup's nonce", id="another nonce"),
        pytest.param(replace(STORED, nonce=None), SEAL, True, "another backup's nonce", id="no nonce"),
        pytest.param(replace(STORED, nonce="other"), None, False, "another backup's nonce", id="nonce of a stream"),
        pytest.param(STORED, None, True, "seal that was stored beside the data is missing", id="no seal"),
        pytest.param(STORED, {**SEAL, "workload": "web"}, True, "of web", id="seal of another workload"),
        pytest.param(STORED, {**SEAL, "run_id": "run-0"}, True, "sealed by run run-0", id="seal of an older run"),
        pytest.param(STORED, {**SEAL, "nonce": "old"}, True, "expected run run-1 of crm", id="seal of another nonce"),
        pytest.param(STORED, {}, True, "sealed by run None", id="empty seal"),
    ],
)
def test_any_other_backup_is_not_fresh_and_is_told_apart(
    stored: StoredPoint | None, seal: dict[str, str] | None, sealed: bool, says: str
) -> None:
    found = freshness(POINT, stored, seal, sealed)
    assert (found.level, found.result) == ("L6", "failed")
    assert says in found.detail


def test_freshness_never_prints_a_nonce() -> None:
    """Who reads reports must not be able to forge a seal."""
    answers = [
        freshness(POINT, STORED, SEAL, True),
        freshness(POINT, STORED, None, False),
        freshness(POINT, replace(STORED, nonce="other"), SEAL, True),
        freshness(POINT, STORED, {**SEAL, "nonce": "other"}, True),
    ]
    assert not any("n0nce" in answer.detail for answer in answers)


def a_point(hours: float, state: PointState = "taken") -> RestorePoint:
    return replace(POINT, point=f"p{hours}", as_of=AT + timedelta(hours=hours), state=state)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], None),
        ([a_point(1)], None),
        ([a_point(-2), a_point(-1), a_point(-3), a_point(1)], a_point(-1)),
        ([a_point(0)], a_point(0)),
        ([a_point(-2), a_point(-1, "incomplete"), a_point(0, "damaged")], a_point(-2)),
    ],
)
def test_the_newest_good_point_before_a_moment_is_never_incomplete_or_damaged(
    points: list[RestorePoint], expected: RestorePoint | None
) -> None:
    assert newest_before(points, AT) == expected


def test_a_rewritten_copy_beside_the_original_does_not_stand_for_it() -> None:
    rewritten = replace(STORED, snapshots=(OTHER, POINT.snapshot))
    assert own_snapshot_of(POINT, [rewritten, STORED]) == STORED
    assert own_snapshot_of(POINT, [rewritten]) == rewritten
