"""The user's own questions to a restored database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstay.domain.drills import LevelResult

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from .address import Connection

ANSWER_WITHIN = "60s"
_BOOLEAN = 16  # pg_type.oid of bool
_WORDS = {"t": "true", "f": "false"}


def answered(connection: Connection, name: str, query: str, expect: str | None) -> LevelResult:
    """Run one query that may not write, and hold its one value against `expect`.

    Values are compared as PostgreSQL writes them, a boolean also as true and false. Without `expect`, any value passes
    but null and false.
    """
    import psycopg

    try:
        # The settings that we pin for ourselves are not those that the user's query was written for.
        connection.execute("RESET ALL")
        connection.execute("SELECT set_config('statement_timeout', %s, false)", (ANSWER_WITHIN,))
        connection.execute("SET default_transaction_read_only = on")
        result = connection.execute(query.encode()).pgresult
    except psycopg.Error as error:
        return LevelResult("L7", "failed", f"{name}: {error.diag.message_primary or error}")
    if result is None or (result.ntuples, result.nfields) != (1, 1):
        return LevelResult("L7", "failed", f"{name}: one value was expected, and not {_shape(result)}")
    return _judged(name, result, expect)


def _judged(name: str, result: PGresult, expect: str | None) -> LevelResult:
    raw = result.get_value(0, 0)
    value = raw.decode("utf-8", "replace") if raw is not None else None
    word = _WORDS[value] if value is not None and result.ftype(0) == _BOOLEAN else value
    if expect is None:
        good, wanted = word not in (None, "false"), "any value but null and false"
    else:
        good, wanted = expect in (value, word), expect
    if good:
        return LevelResult("L7", "passed", f"{name}: {word}")
    return LevelResult("L7", "failed", f"{name}: the answer is {word or 'null'}; expected was {wanted}")


def _shape(result: PGresult | None) -> str:
    return f"{result.ntuples} rows of {result.nfields} columns" if result and result.nfields else "no rows at all"
