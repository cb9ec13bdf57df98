from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import backstay.domain
from backstay.config.values import span
from backstay.domain.errors import ConfigError
from backstay.domain.estate import Estate, FilesSource, Policy, Target, Workload
from backstay.domain.points import NEVER_COUNTS, PointState
from backstay.domain.secrets import Secret, SecretRef
from backstay.domain.spans import span_text


def domain_values() -> list[type[Any]]:
    modules = [
        importlib.import_module(f"backstay.domain.{module.name}")
        for module in pkgutil.iter_modules(backstay.domain.__path__)
    ]
    found = {value for module in modules for value in vars(module).values() if dataclasses.is_dataclass(value)}
    return sorted(
        (value for value in found if isinstance(value, type) and not value.__name__.startswith("_")),
        key=lambda value: value.__name__,
    )


@pytest.mark.parametrize("value", domain_values(), ids=lambda value: str(value.__name__))
def test_every_value_is_frozen_and_has_slots(value: Any) -> None:
    assert value.__dataclass_params__.frozen
    assert "__slots__" in vars(value)


@given(st.integers(1, 10**9).map(lambda seconds: timedelta(seconds=seconds)))
def test_a_span_is_written_as_the_estate_file_reads_it(length: timedelta) -> None:
    assert span(span_text(length)) == length


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(1, "1s"), (60, "1m"), (90, "90s"), (3600, "1h"), (129_600, "36h"), (86_400, "1d"), (604_800, "1w")],
)
def test_a_span_is_written_in_its_largest_whole_unit(seconds: int, written: str) -> None:
    assert span_text(timedelta(seconds=seconds)) == written


@pytest.mark.parametrize("state", get_args(PointState))
def test_only_incomplete_and_damaged_points_do_not_count(state: PointState) -> None:
    assert (state in NEVER_COUNTS) == (state in ("incomplete", "damaged"))


@given(st.text(min_size=4))
def test_a_secret_never_shows_itself(hidden: str) -> None:
    secret = Secret(hidden)
    assert f"{secret} {secret!r} {[secret]}" == "*** *** [***]"
    assert secret.reveal() == hidden
    assert secret == Secret(hidden) != Secret(f"{hidden}!")


def test_a_reference_is_shown_as_it_is_written() -> None:
    assert str(SecretRef("env", "CRM_DSN")) == "env:CRM_DSN"


def test_the_copy_from_the_source_goes_to_the_policys_first_copy_else_to_the_first_target() -> None:
    targets = {"vault": Target("vault", "/v"), "offsite": Target("offsite", "/o")}
    named = Workload("crm", "files", FilesSource(("/srv",)), Policy("gold", timedelta(1), copies=("offsite", "vault")))
    plain = dataclasses.replace(named, policy=Policy("plain", timedelta(1)))
    estate = Estate("acme", "UTC", targets, {}, {})
    assert estate.target_of(named) == targets["offsite"]
    assert estate.target_of(plain) == targets["vault"]


def test_an_exempt_workload_is_owed_nothing() -> None:
    with pytest.raises(ConfigError, match="cache is exempt"):
        _ = Workload("cache", "files", FilesSource(("/c",)), None).owed
