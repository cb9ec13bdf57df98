"""Files become domain values; every effective value remembers where it came from."""

from .find import find_estate
from .load import Loaded, load, load_or_raise
from .origins import Origin
from .schema import json_schema

__all__ = ["Loaded", "Origin", "find_estate", "json_schema", "load", "load_or_raise"]
