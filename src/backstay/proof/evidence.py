"""The record of what was tested, in a form that a third party can check by its digest."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from backstay.domain.drills import Drill, Evidence


def canonical(value: dict[str, Any]) -> str:
    """JSON with sorted keys, no spaces, and every character beyond ASCII escaped.

    >>> canonical({"b": 1, "a": "ä"})
    '{"a":"\\\\u00e4","b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def drill_evidence(drill: Drill, facts: dict[str, Any], previous: Evidence | None) -> Evidence:
    """The next link of the chain, for a drill that has ended; `facts` say what it was held against."""
    number = previous.number + 1 if previous else 1
    record = canonical(
        {
            "schema": "backstay/evidence/1",
            "number": number,
            "kind": "drill",
            "previous": previous.digest if previous else None,
            "drill": drill.drill,
            "workload": drill.workload,
            "point": drill.point,
            "as_of": utc(drill.as_of),
            "started_at": utc(drill.started_at),
            "ended_at": utc(drill.ended_at),
            "verdict": drill.verdict,
            "rto_s": drill.rto_s,
            "levels": [{"level": x.level, "result": x.result, "detail": x.detail} for x in drill.levels],
            "facts": facts,
        }
    )
    digest = hashlib.sha256(record.encode()).hexdigest()
    return Evidence(number, "drill", drill.ended_at, record, digest, previous.digest if previous else None)


def utc(moment: datetime) -> str:
    """ISO 8601 in UTC ending in Z, to the millisecond.

    >>> utc(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026-01-02T03:04:05.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
