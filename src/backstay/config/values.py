"""How values are written, and what they mean. A reader takes what the file says, or raises ValueError."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from backstay.domain.spans import SECONDS

from .findings import quoted
from .rates import meant

CADENCES = {"hourly": "1h", "daily": "1d", "weekly": "1w", "monthly": "30d", "quarterly": "91d", "yearly": "1y"}
LONGEST_NAME = 64

NAME = r"[a-z0-9][a-z0-9._-]*"
SPAN = r"([1-9][0-9]{0,9})([smhdwy])"
SIZE = r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(B|[kKMGTP]B|[KMGTP]iB)"
RATE = r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(B|[kKMGTP]B|[KMGTP]iB|[kMG]bit)/s"
TIME = r"([01]?[0-9]|2[0-3]):([0-5][0-9])"
HOURS = rf"{TIME}-{TIME}"
MOMENT = rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[ T]{TIME}"
PER_GB_MONTH = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)/GB/month"
PER_GB = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)/GB"
PERCENT = r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%"
FRACTION = r"(0(?:\.[0-9]{1,6})?|1(?:\.0{1,6})?)"
CURRENCY = r"[A-Z]{3}"
SHA256 = r"[0-9a-f]{64}"

_FACTORS = {prefix: 1000**power for power, prefix in enumerate(" kMGTP")} | {"K": 1000}
_LONGEST_SPAN = timedelta(days=365_000)
_MOST_BYTES = 2**63 - 1
_MOST = 1_000_000_000
_MOST_SPARED = 0.9
_LEAST_SHARE = 0.01

_LEAST_RATE = 1000
"""At less, what opens a repository takes minutes, and its answers are given up before they have come."""


def text(value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str):
        raise ValueError(f"is {_shape(value)}, but one value is wanted")
    if not value.strip():
        raise ValueError("is an empty text")
    return value


def _shape(value: Any) -> str:
    return "a list" if isinstance(value, list) else "a mapping"


def matched(pattern: str, value: Any, what: str) -> re.Match[str]:
    """The text, if it is written by the whole pattern; `what` says what it must be."""
    written = text(value)
    match = re.fullmatch(pattern, written, re.ASCII)
    if match is None:
        raise ValueError(f"{quoted(written)} is not {what}")
    return match


def name(value: Any) -> str:
    """A name that can be a folder's."""
    written = text(value)
    if re.fullmatch(NAME, written, re.ASCII) is None:
        raise ValueError(f"{quoted(written)} is not a name; write small letters, digits, '.', '_' and '-'")
    if len(written) > LONGEST_NAME:
        raise ValueError(f"{quoted(written)} is too long; names become folders: {LONGEST_NAME} letters at most")
    return written


def span(value: Any) -> timedelta:
    """A length of time: `90s`, `15m`, `2h`, `30d`, `8w`, `7y`."""
    match = matched(SPAN, value, "a span; write 15m, 2h or 1d")
    seconds = int(match[1]) * SECONDS[match[2]]
    if seconds > _LONGEST_SPAN.total_seconds():
        raise ValueError(f"{quoted(match[0])} is longer than 1000y")
    return timedelta(seconds=seconds)


def cadence(value: Any) -> timedelta:
    """How often: a word or a span."""
    written = text(value)
    if re.fullmatch(SPAN, written, re.ASCII) or written in CADENCES:
        return span(CADENCES.get(written, written))
    raise ValueError(f"{quoted(written)} is not a cadence; write {', '.join(CADENCES)} or a span such as 10d")


def size(value: Any) -> int:
    """Bytes: `4TB` counts in thousands, `4TiB` in 1024s."""
    return _bytes(matched(SIZE, value, "a size; write 500GB, 4TB or 512MiB"))


def rate(value: Any) -> int:
    """Bytes per second: `80MB/s`, or bits: `100Mbit/s`."""
    return _some(_rate(value))


def rate_or_zero(value: Any) -> int:
    """Bytes per second, or none at all."""
    match = _rate(value, ", or 0MB/s for nothing")
    return _some(match) if Decimal(match[1]) else 0


def _rate(value: Any, besides: str = "") -> re.Match[str]:
    likely = meant(text(value))
    known = likely and re.fullmatch(RATE, likely, re.ASCII)
    offer = f"did you mean {quoted(likely)}?" if likely and known else f"write 80MB/s or 100Mbit/s{besides}"
    return matched(RATE, value, f"a rate; {offer}")


def _some(match: re.Match[str]) -> int:
    amount = _bytes(match)
    if amount < _LEAST_RATE:
        raise ValueError(f"{quoted(match[0])} is too little for any backup; write 1kB/s or more")
    return amount


def _bytes(match: re.Match[str]) -> int:
    amount = int(Decimal(match[1]) * _factor(match[2]))
    if not 0 < amount <= _MOST_BYTES:
        wrong = "nothing; write more than 0B" if amount == 0 else "too much for any target"
        raise ValueError(f"{quoted(match[0])} is {wrong}")
    return amount


def _factor(unit: str) -> Decimal:
    prefix = unit[0] if len(unit) > 1 else " "
    if unit.endswith("bit"):
        return Decimal(_FACTORS[prefix]) / 8
    if unit.endswith("iB"):
        return Decimal(1024 ** " KMGTP".index(prefix))
    return Decimal(_FACTORS[prefix])


def per_gb_month(value: Any) -> float:
    """What keeping costs: `0.005/GB/month`."""
    return float(matched(PER_GB_MONTH, value, "a price of keeping; write 0.005/GB/month")[1])


def per_gb(value: Any) -> float:
    """What fetching costs: `0.01/GB`."""
    return float(matched(PER_GB, value, "a price of fetching; write 0.01/GB")[1])


def currency(value: Any) -> str:
    """An ISO 4217 code."""
    return matched(CURRENCY, value, "a currency; write EUR or USD")[0]


def share(value: Any) -> float:
    """A part of a whole: `50%` or `0.5`."""
    written = text(value)
    percent, fraction = re.fullmatch(PERCENT, written, re.ASCII), re.fullmatch(FRACTION, written, re.ASCII)
    part = float(percent[1]) / 100 if percent else float(fraction[1]) if fraction else 2.0
    if part > 1:
        raise ValueError(f"{quoted(written)} is not a share; write 50% or 0.5")
    return part


def some_share(value: Any) -> float:
    """A share with which a job can still be done."""
    part = share(value)
    if part < _LEAST_SHARE:
        nothing = "nothing" if part == 0 else "too little"
        raise ValueError(f"{quoted(text(value))} leaves {nothing}; write 50% or 0.5, 1% at least")
    return part


def spared(value: Any) -> float:
    """A share that leaves something to backups."""
    part = share(value)
    if part > _MOST_SPARED:
        raise ValueError(f"{quoted(text(value))} leaves backups too little; write 90% at most")
    return part


def count(value: Any) -> int:
    """A whole number from 1."""
    number = int(matched("[0-9]{1,10}", value, "a whole number")[0])
    if not 1 <= number <= _MOST:
        raise ValueError(f"{number} is not a number from 1 to {_MOST}; leave the key out to set none")
    return number


def flag(value: Any) -> bool:
    """`true` or `false`, and none of YAML's older words."""
    return matched("true|false", value, "true or false")[0] == "true"


def time_of_day(value: Any) -> str:
    """A local time, as `HH:MM`."""
    match = matched(TIME, value, "a time of day; write 22:00")
    return f"{int(match[1]):02}:{match[2]}"


def hours(value: Any) -> str:
    """A part of the day, as `HH:MM-HH:MM`."""
    match = matched(HOURS, value, "a part of the day; write 07:00-19:00")
    begin, end = (time_of_day(part) for part in match[0].split("-"))
    if begin == end:
        raise ValueError(f"{quoted(match[0])} begins when it ends")
    return f"{begin}-{end}"


_FIRST_YEAR, _LAST_YEAR = 1970, 2999


def day(value: Any) -> date:
    """A date, as `2027-03-31`."""
    match = matched("[0-9]{4}-[0-9]{2}-[0-9]{2}", value, "a date; write 2027-03-31")
    try:
        found = date.fromisoformat(match[0])
    except ValueError:
        raise ValueError(f"{quoted(match[0])} is no day of the calendar") from None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise ValueError(f"{quoted(match[0])} is too far away; write a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    return found


def moment(value: Any) -> datetime:
    """A local date and time, as `2026-12-24 18:00`; without a zone, which the estate gives."""
    match = matched(MOMENT, value, "a date and time; write 2026-12-24 18:00")
    return datetime.combine(day(match[1]), time(int(match[2]), int(match[3])))


def timezone(value: Any) -> str:
    """A time zone of the IANA database."""
    written = text(value)
    try:
        ZoneInfo(written)
    except (KeyError, OSError, ValueError):
        close = get_close_matches(written[:40], available_timezones(), n=1) or ["UTC"]
        raise ValueError(f"unknown time zone {quoted(written)}; did you mean {close[0]!r}?") from None
    return written
