"""Where the estate file is."""

from __future__ import annotations

import os

from backstay.domain.errors import ConfigError

VARIABLE = "BACKSTAY_ESTATE"
PLACES = ("estate.yaml", "/etc/backstay/estate.yaml")


def find_estate(explicit: str | None) -> str:
    """The file that `--estate` names, else `$BACKSTAY_ESTATE`, else the first that is there.

    Raises: ConfigError if none is there.
    """
    named = explicit or os.environ.get(VARIABLE)
    if named:
        return named
    for place in PLACES:
        if os.path.isfile(place):
            return place
    raise ConfigError(
        f"no estate file: neither {' nor '.join(PLACES)} is there",
        hint=f"Write one with backstay init, or name one with --estate or ${VARIABLE}.",
    )
