"""What is written means what it says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.config import addresses, values
from backstay.domain.secrets import SecretRef
from backstay.domain.spans import span_text

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
SIZES = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "TiB": 2**40,
}


@given(st.integers(1, 999), st.sampled_from(sorted(UNITS)))
def test_a_span_is_its_number_times_its_unit(number: int, unit: str) -> None:
    assert values.span(f"{number}{unit}") == timedelta(seconds=number * UNITS[unit])


@given(st.integers(1, 10**9))
def test_a_span_that_is_written_out_reads_back_the_same(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert values.span(span_text(span)) == span


@given(st.integers(1, 9999), st.sampled_from(sorted(SIZES)))
def test_sizes_and_rates_are_whole_bytes(number: int, unit: str) -> None:
    assert values.size(f"{number}{unit}") == number * SIZES[unit]
    assert values.rate(f"{number + 1000}{unit}/s") == (number + 1000) * SIZES[unit]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("100Mbit/s", 12_500_000), ("1Gbit/s", 125_000_000), ("56kbit/s", 7_000), ("1.5MB/s", 1_500_000)],
)
def test_lines_are_measured_in_bits_and_disks_in_bytes(written: str, meant: int) -> None:
    assert values.rate(written) == meant


@pytest.mark.parametrize(
    ("word", "days"), [("daily", 1), ("weekly", 7), ("monthly", 30), ("quarterly", 91), ("yearly", 365), ("10d", 10)]
)
def test_a_cadence_is_a_word_or_a_span(word: str, days: int) -> None:
    assert values.cadence(word) == timedelta(days=days)


def test_shares_are_percentages_or_fractions() -> None:
    assert values.share("50%") == values.share("0.5") == 0.5
    assert values.share("100%") == values.share("1") == 1.0
    assert values.share("0%") == 0.0


def test_a_share_that_is_spared_ends_at_ninety_percent() -> None:
    assert [values.spared(written) for written in ("0%", "10%", "0.25", "90%")] == [0.0, 0.1, 0.25, 0.9]
    with pytest.raises(ValueError, match="'91%' leaves backups too little; write 90% at most"):
        values.spared("91%")


def test_prices_are_by_the_gigabyte() -> None:
    assert values.per_gb_month("0.005/GB/month") == 0.005
    assert values.per_gb("0.01/GB") == 0.01


def test_times_are_read_with_and_without_a_leading_zero() -> None:
    assert values.time_of_day("6:00") == values.time_of_day("06:00") == "06:00"
    assert values.hours("7:00-19:00") == "07:00-19:00"


def test_a_moment_is_local_and_has_no_zone() -> None:
    for written in ("2028-02-29 18:05", "2028-02-29T18:05"):
        assert values.moment(written).isoformat() == "2028-02-29T18:05:00"
        assert values.moment(written).tzinfo is None


@pytest.mark.parametrize("written", ["2026-02-29 12:00", "2026-12-24", "2026-12-24 24:00", "2026-12-24  18:00", "now"])
def test_a_moment_that_never_comes_is_none(written: str) -> None:
    with pytest.raises(ValueError, match=r"is not a date and time|no day of the calendar"):
        values.moment(written)


def test_only_a_part_of_the_day_may_carry_nothing() -> None:
    assert values.rate_or_zero("0MB/s") == values.rate_or_zero("0.0kbit/s") == 0
    assert values.rate_or_zero("20Mbit/s") == values.rate("20Mbit/s")
    with pytest.raises(ValueError, match="is nothing"):
        values.rate("0MB/s")


@pytest.mark.parametrize(
    "written", ["env:CRM_DSN", "file:/etc/backstay/s3", "cmd:pass show crm", "keyring:backstay/vault"]
)
def test_references_keep_what_was_written(written: str) -> None:
    scheme, _, rest = written.partition(":")
    found = addresses.reference(written)
    assert (found.scheme, found.value, str(found)) == (scheme, rest, written)


@pytest.mark.parametrize("written", ["env:A B", "env:", "file:relative", "cmd:", "cmd:'open", "keyring:vault", "ENV:A"])
def test_a_reference_that_leads_nowhere_is_none(written: str) -> None:
    with pytest.raises(ValueError, match="is not a reference to a secret"):
        addresses.reference(written)


def test_a_database_is_a_reference_or_an_address() -> None:
    assert addresses.database("env:CRM_DSN") == SecretRef("env", "CRM_DSN")
    assert addresses.database("postgresql:///crm?host=/run/postgresql") == "postgresql:///crm?host=/run/postgresql"
    assert addresses.database("dbname=crm host=db") == "dbname=crm host=db"


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_sentence(written: str) -> None:
    readers = [
        values.span,
        values.cadence,
        values.size,
        values.rate,
        values.rate_or_zero,
        values.share,
        values.count,
        values.flag,
    ]
    readers += [
        values.time_of_day,
        values.hours,
        values.day,
        values.moment,
        values.timezone,
        addresses.ssh_address,
        addresses.absolute_path,
        addresses.place,
    ]
    readers += [
        addresses.reference,
        addresses.database,
        addresses.catalog,
        values.name,
        addresses.file_name,
        values.currency,
    ]
    for reader in readers:
        assert _problem(reader, written).isprintable()


def _problem(reader: Callable[[str], object], written: str) -> str:
    try:
        reader(written)
    except ValueError as error:
        return str(error)
    return ""
