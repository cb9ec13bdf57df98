"""Durable rows as JSON: records of the flows and errors, and nothing that could run code when read."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from dbos import Serializer
from pydantic import TypeAdapter

from backstay.domain.errors import ERRORS, BackstayError

from . import records

RECORDS: dict[str, type[Any]] = {
    cls.__name__: cls for cls in (records.Ticket, records.Admitted, records.Prepared, records.Copied, records.Ended)
}


class RecordCodec(Serializer):
    """The one form in which steps are stored."""

    def name(self) -> str:
        return "backstay_json"

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=_encoded, separators=(",", ":"))

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data, object_hook=_decoded)


def _encoded(value: Any) -> Any:
    if RECORDS.get(type(value).__name__) is type(value):
        return {"$record": type(value).__name__, "fields": asdict(value)}
    if isinstance(value, BackstayError):
        return {"$error": {"code": value.code, "message": value.message, **value.details()}}
    if isinstance(value, BaseException):
        return {"$bug": type(value).__name__, "message": str(value)}
    raise TypeError(f"{type(value).__name__} is not a record of the flows")


def _decoded(value: dict[str, Any]) -> Any:
    if "$record" in value:
        return TypeAdapter(RECORDS[value["$record"]]).validate_python(value["fields"])
    if "$error" in value:
        return _error(**value["$error"])
    if "$bug" in value:
        return RuntimeError(f"{value['$bug']}: {value['message']}")
    return value


def _error(code: str, message: str, **details: Any) -> BackstayError:
    known = BackstayError(message).details().keys()
    return ERRORS.get(code, BackstayError)(message, **{k: v for k, v in details.items() if k in known})
