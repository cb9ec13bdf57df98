"""Advice names what a sound file asks for and cannot have, or has and should not rely on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from backstay.config.values import moment as local
from backstay.domain.estate import (
    Blackout,
    DatabaseSource,
    Estate,
    Exemption,
    FilesSource,
    Keep,
    Policy,
    Require,
    Source,
    Target,
    Window,
    Workload,
)
from backstay.planning.advice import advice

DAY = timedelta(days=1)
VAULT = Target("vault", "/srv/backups", region="at")
OFFSITE = Target("offsite", "s3://acme/main", region="de")
GOOD = {"rpo": DAY, "keep": Keep(daily=30), "copies": ("vault", "offsite"), "drill": 91 * DAY}
FILES = FilesSource(("/srv/crm",))


def estate(
    *targets: Target, kind: str = "files", source: Source = FILES, engine: str = "restic", **changes: object
) -> Estate:
    policy = Policy(name="gold", **GOOD | changes)  # type: ignore[arg-type]  # a table of changes has no one type
    return Estate(
        name="acme",
        timezone="UTC",
        targets={target.name: target for target in targets or (VAULT, OFFSITE)},
        policies={"gold": policy},
        windows={"night": Window("night", "22:00", "06:00")},
        workloads={"crm": Workload("crm", kind, source, policy, engine)},
    )


def codes(subject: Estate) -> list[str]:
    return [finding.code for finding in advice(subject)]


def test_an_estate_with_all_that_is_wanted_gets_no_advice() -> None:
    assert advice(estate()) == ()


@pytest.mark.parametrize(
    ("keep", "rpo", "expected"),
    [
        (Keep(), DAY, ["no-retention"]),
        (Keep(within=timedelta(hours=1)), DAY, ["rpo-retention"]),
        (Keep(within=timedelta(hours=1), daily=30), DAY, ["rpo-retention"]),
        (Keep(hourly=24), DAY, ["rpo-retention"]),
        (Keep(daily=30), 7 * DAY, ["rpo-retention"]),
        (Keep(within=DAY), DAY, []),
        (Keep(daily=30, yearly=7), timedelta(minutes=15), []),
        (Keep(last=3), DAY, []),
    ],
)
def test_rpo_and_retention_are_not_taken_for_one_another(keep: Keep, rpo: timedelta, expected: list[str]) -> None:
    assert codes(estate(keep=keep, rpo=rpo)) == expected


def test_one_copy_is_too_few() -> None:
    assert codes(estate(copies=("vault",))) == ["too-few-copies"]
    assert codes(estate(copies=())) == ["too-few-copies"]


def test_two_copies_in_one_place_are_one_fire_away() -> None:
    assert codes(estate(VAULT, Target("offsite", "s3://b", region="at"))) == ["one-place"]
    assert codes(estate(Target("vault", "/srv/a"), Target("offsite", "/srv/b"))) == ["one-place"]


def test_a_region_that_nobody_named_cannot_be_allowed() -> None:
    targets = (VAULT, Target("offsite", "s3://b"))
    assert codes(estate(*targets, require=Require(regions=("at",)))) == ["region-unknown"]


def test_an_rpo_that_does_not_wait_for_its_window_is_named_with_a_way_out() -> None:
    (finding,) = advice(estate(rpo=timedelta(minutes=15), window="night"))
    assert (finding.code, finding.severity, finding.subject) == ("rpo-window", "advice", "crm")
    assert finding.message == (
        "an RPO of 15m does not wait for the window night, which stays closed for 16h: runs are taken outside it, too"
    )
    assert finding.hint == "Widen the window, or ask for rpo: 1d."
    assert advice(estate(rpo=timedelta(hours=16), window="night")) == ()


def test_a_window_of_some_days_stays_closed_on_the_others() -> None:
    weekend = {"night": Window("night", "08:00", "20:00", days=("sat", "sun"))}
    (finding,) = advice(replace(estate(window="night"), windows=weekend))
    assert "stays closed for 132h" in finding.message
    assert finding.hint == "Widen the window, or ask for rpo: 6d."
    assert advice(replace(estate(rpo=6 * DAY, keep=Keep(weekly=8), window="night"), windows=weekend)) == ()


def test_an_rpo_shorter_than_a_blackout_of_each_week_cannot_be_met() -> None:
    blackouts = {
        "noon": Blackout("noon", hours="10:00-14:00", days=("mon",)),
        "late": Blackout("late", hours="14:00-15:00", days=("mon",)),
        "once": Blackout("once", begin=local("2024-01-02 0:00"), end=local("2024-01-09 0:00")),
    }
    (finding,) = advice(replace(estate(rpo=timedelta(hours=4)), blackouts=blackouts))
    assert (finding.code, finding.subject) == ("rpo-blackout", "crm")
    assert finding.message == "an RPO of 4h cannot be met: blackouts let nothing start for 5h"
    assert advice(replace(estate(rpo=timedelta(hours=5)), blackouts=blackouts)) == ()


def test_a_blackout_keeps_a_window_closed_for_longer() -> None:
    evening = {"evening": Blackout("evening", hours="21:00-23:00")}
    (finding,) = advice(replace(estate(rpo=timedelta(hours=16), window="night"), blackouts=evening))
    assert "stays closed for 17h" in finding.message


def test_logs_meet_an_rpo_outside_the_window() -> None:
    database = DatabaseSource("postgresql:///crm")
    slow = estate(rpo=timedelta(minutes=15), window="night", kind="postgresql", source=database)
    assert "engine pgbackrest" in str(advice(slow)[0].hint)
    logged = estate(rpo=timedelta(minutes=15), window="night", kind="postgresql", source=database, engine="pgbackrest")
    assert advice(logged) == ()


def test_a_policy_that_never_proves_a_restore_is_named() -> None:
    (finding,) = advice(estate(drill=None))
    assert (finding.code, finding.hint) == (
        "no-drill",
        "Add drill: quarterly, or more often for what must not be lost.",
    )


def test_an_exempt_workload_is_owed_no_window() -> None:
    sound = estate()
    exempt = Workload("web", "files", FILES, None, exempt=Exemption("scratch", date(2027, 3, 31)))
    assert advice(Estate("acme", "UTC", sound.targets, sound.policies, {"web": exempt})) == ()


def test_every_piece_of_advice_says_what_to_write() -> None:
    poor = estate(keep=Keep(), copies=(), drill=None, window="night", rpo=timedelta(hours=1))
    assert len(advice(poor)) == 4
    assert all(finding.hint and finding.hint.endswith(".") for finding in advice(poor))
