"""Rates that are written in another way than ours, and what was probably meant."""

from __future__ import annotations

import re

_ANY = r"([0-9.]+) ?([kmgtp]?)(i?)(bits?|bytes?|b)(?:/s|ps|/sec|/second|)"
_PREFIXES = {"k": "k", "m": "M", "g": "G", "t": "T", "p": "P", "": ""}
_OF_BITS = ("k", "M", "G")


def meant(written: str) -> str | None:
    """How we write it, where there is no doubt: small and large letters do not tell bits from bytes unless they are
    mixed.

    >>> meant("100Mbps"), meant("100 Mbit/s"), meant("80MB"), meant("80mb/s")
    ('100Mbit/s', '100Mbit/s', '80MB/s', None)
    """
    match = re.fullmatch(_ANY, written, re.ASCII | re.IGNORECASE)
    if match is None:
        return None
    amount, prefix, binary, unit = match[1], _PREFIXES[match[2].lower()], match[3], match[4]
    if unit.lower() == "b" and (match[2] + unit).islower() and prefix not in ("", "k"):
        return None
    if unit.lower().startswith("bit") or unit == "b":
        return f"{amount}{prefix}bit/s" if prefix in _OF_BITS and not binary else None
    return f"{amount}{prefix.upper() if binary else prefix}{binary.lower()}B/s"
