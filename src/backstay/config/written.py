"""The types of the grammar: how each is read, and how JSON Schema and the reference page describe it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from backstay.domain.secrets import SecretRef

from . import addresses, values
from .leaks import REFERENCE


@dataclass(frozen=True, slots=True)
class Format:
    """One way of writing values: its word, an example or two, and what it means."""

    word: str
    examples: tuple[str, ...]
    meaning: str


FORMATS = {
    format.word: format
    for format in (
        Format("text", ("rebuilt at deploy",), "any text that is not empty"),
        Format("name", ("crm-db",), f"small letters, digits, `.`, `_`, `-`; at most {values.LONGEST_NAME}"),
        Format("span", ("15m", "30d", "7y"), "`s`, `m`, `h`, `d`, `w`, `y`; a year is 365 days"),
        Format(
            "cadence",
            ("weekly", "10d"),
            ", ".join(f"`{word}` ({span})" for word, span in values.CADENCES.items()) + ", or a span",
        ),
        Format("size", ("4TB", "512MiB"), "`kB` to `PB` in thousands, `KiB` to `PiB` in 1024s"),
        Format("rate", ("80MB/s", "100Mbit/s"), "a size a second, or bits: `100Mbit/s` is 12.5 MB/s; 1kB/s at least"),
        Format("rate or none", ("20Mbit/s", "0MB/s"), "a rate; `0MB/s` lets nothing through"),
        Format("price of keeping", ("0.005/GB/month",), "in the target's currency"),
        Format("price of fetching", ("0.01/GB",), "in the target's currency"),
        Format("currency", ("EUR",), "an ISO 4217 code"),
        Format("share", ("50%", "0.5"), "a part of a whole"),
        Format("spared share", ("10%", "0%"), "a share from nothing to `90%`"),
        Format("count", ("4",), "a whole number from 1"),
        Format("flag", ("true", "false"), "`true` or `false`"),
        Format("time of day", ("22:00",), "local to the estate's time zone"),
        Format("part of the day", ("07:00-19:00",), "local to the estate's time zone"),
        Format("date", ("2027-03-31",), "ISO 8601"),
        Format("local moment", ("2026-12-24 18:00",), "a date and a time of day, local to the estate's time zone"),
        Format("time zone", ("Europe/Vienna",), "a name of the IANA database"),
        Format("absolute path", ("/srv/crm",), "begins with `/`"),
        Format("place", ("/srv/backups", "s3://bucket/main"), "an absolute path or a URL"),
        Format(
            "SSH address",
            ("ssh://backup@10.0.0.11",),
            "user and port may be left to ssh's own configuration; without password",
        ),
        Format("secret reference", ("env:NAME", "file:/path"), f"{REFERENCE}; a file must be 0600 or stricter"),
        Format(
            "database address",
            ("env:CRM_DSN", "postgresql:///crm"),
            "a secret reference, or a URL or `key=value` address without password",
        ),
        Format("catalog address", ("sqlite", "env:CATALOG"), "`sqlite`, or a reference to a `postgresql://` address"),
        Format("network address", ("127.0.0.1:6379",), "`host:port`, a socket's path or a URL, without password"),
        Format("file name", ("registry.tar",), "without folders"),
    )
}


def _schema(word: str, pattern: str | None = None, **shape: Any) -> WithJsonSchema:
    text = {"type": "string", "minLength": 1} | ({"pattern": f"^(?:{pattern})$"} if pattern else {})
    return WithJsonSchema({"format": word} | (shape or text))


def _read(reader: Callable[[Any], Any]) -> PlainValidator:
    return PlainValidator(reader)


_PATTERN_REFERENCE = r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+|cmd:.+|keyring:[^/]+/.+"

Text = Annotated[str, _read(values.text), _schema("text", type=["string", "number", "boolean"])]
Name = Annotated[str, _read(values.name), _schema("name", values.NAME)]
Span = Annotated[timedelta, _read(values.span), _schema("span", values.SPAN)]
Cadence = Annotated[timedelta, _read(values.cadence), _schema("cadence", "|".join((*values.CADENCES, values.SPAN)))]
Size = Annotated[int, _read(values.size), _schema("size", values.SIZE)]
Rate = Annotated[int, _read(values.rate), _schema("rate", values.RATE)]
RateOrZero = Annotated[int, _read(values.rate_or_zero), _schema("rate or none", values.RATE)]
PerGbMonth = Annotated[float, _read(values.per_gb_month), _schema("price of keeping", values.PER_GB_MONTH)]
PerGb = Annotated[float, _read(values.per_gb), _schema("price of fetching", values.PER_GB)]
Currency = Annotated[str, _read(values.currency), _schema("currency", values.CURRENCY)]
_SHARE = {
    "anyOf": [{"type": "string", "pattern": f"^{values.PERCENT}$"}, {"type": "number", "minimum": 0, "maximum": 1}]
}
_SPARED = {
    "anyOf": [
        {"type": "string", "pattern": r"^([0-8]?[0-9](\.[0-9]{1,3})?|90(\.0{1,3})?)%$"},
        {"type": "number", "minimum": 0, "maximum": 0.9},
    ]
}
Share = Annotated[float, _read(values.share), _schema("share", **_SHARE)]
SomeShare = Annotated[float, _read(values.some_share), _schema("share", **_SHARE)]
SparedShare = Annotated[float, _read(values.spared), _schema("spared share", **_SPARED)]
Count = Annotated[int, _read(values.count), _schema("count", type="integer", minimum=1)]
Flag = Annotated[bool, _read(values.flag), _schema("flag", type="boolean")]
TimeOfDay = Annotated[str, _read(values.time_of_day), _schema("time of day", values.TIME)]
Hours = Annotated[str, _read(values.hours), _schema("part of the day", values.HOURS)]
Day = Annotated[date, _read(values.day), _schema("date", "[0-9]{4}-[0-9]{2}-[0-9]{2}")]
Moment = Annotated[datetime, _read(values.moment), _schema("local moment", values.MOMENT)]
Timezone = Annotated[str, _read(values.timezone), _schema("time zone")]
AbsolutePath = Annotated[str, _read(addresses.absolute_path), _schema("absolute path", "/.*")]
Place = Annotated[str, _read(addresses.place), _schema("place", addresses.PLACE)]
SshAddress = Annotated[str, _read(addresses.ssh_address), _schema("SSH address", addresses.SSH)]
Reference = Annotated[SecretRef, _read(addresses.reference), _schema("secret reference", _PATTERN_REFERENCE)]
Database = Annotated[SecretRef | str, _read(addresses.database), _schema("database address")]
CatalogAddress = Annotated[Any, _read(addresses.catalog), _schema("catalog address", f"sqlite|{_PATTERN_REFERENCE}")]
NetworkAddress = Annotated[str, _read(addresses.network_address), _schema("network address")]
FileName = Annotated[str, _read(addresses.file_name), _schema("file name", "[^/]+")]
