from __future__ import annotations

import json
import pickle
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.domain.errors import Refused, Unavailable
from backstay.domain.runs import Amount, ErrorRecord
from backstay.flows import records
from backstay.flows.codec import RECORDS, RecordCodec
from backstay.flows.records import Admitted, Copied, Ended, Prepared, Ticket, record_of

CODEC = RecordCodec()
ERROR = ErrorRecord("unavailable", "vault did not answer: caf\udce9", "vault", "Look at the link.", 3)
FULL: dict[str, Any] = {
    "Ticket": Ticket("01J"),
    "Admitted": Admitted("01J", ERROR),
    "Prepared": Prepared("01J", ERROR, ("one", "two")),
    "Copied": Copied("01J", ERROR, "p-1", 5_000_000_000_000, 0, ("one",)),
    "Ended": Ended("01J", "done"),
}
STORED_ERROR = (
    '{"code":"unavailable","message":"vault did not answer: caf\\udce9","subject":"vault",'
    '"hint":"Look at the link.","line":3}'
)
STORED = {
    "Ticket": '{"$record":"Ticket","fields":{"run_id":"01J"}}',
    "Admitted": f'{{"$record":"Admitted","fields":{{"run_id":"01J","stopped":{STORED_ERROR}}}}}',
    "Prepared": (
        f'{{"$record":"Prepared","fields":{{"run_id":"01J","stopped":{STORED_ERROR},"warnings":["one","two"]}}}}'
    ),
    "Copied": (
        f'{{"$record":"Copied","fields":{{"run_id":"01J","stopped":{STORED_ERROR},"point":"p-1",'
        '"bytes_read":5000000000000,"bytes_added":0,"warnings":["one"]}}'
    ),
    "Ended": '{"$record":"Ended","fields":{"run_id":"01J","result":"done"}}',
}
"""What version 0.1 wrote. A run that it began is replayed by every later one: add to this table, never change it."""


def test_every_record_of_the_flows_is_known_to_the_codec() -> None:
    defined = {
        name: value for name, value in vars(records).items() if getattr(value, "__module__", "") == records.__name__
    }
    assert {name: value for name, value in defined.items() if isinstance(value, type)} == RECORDS
    assert FULL.keys() == STORED.keys() == RECORDS.keys()


@given(st.sampled_from(sorted(RECORDS)).flatmap(lambda name: st.from_type(RECORDS[name])))
def test_every_record_comes_back_as_it_was(record: Any) -> None:
    back = CODEC.deserialize(CODEC.serialize(record))
    assert back == record
    assert type(back) is type(record)


@pytest.mark.parametrize("name", sorted(STORED))
def test_what_an_older_version_stored_still_reads(name: str) -> None:
    assert CODEC.deserialize(STORED[name]) == FULL[name]


def test_arguments_and_results_are_stored_inside_plain_json() -> None:
    call = {"args": [FULL["Ticket"]], "kwargs": {"tries": 3, "which": None, "deep": [{"x": FULL["Copied"]}]}}
    assert CODEC.deserialize(CODEC.serialize(call)) == call


@pytest.mark.parametrize("name", sorted(STORED))
def test_fields_of_a_later_version_are_passed_over(name: str) -> None:
    stored = json.loads(STORED[name])
    stored["fields"]["rate_bytes_per_s"] = {"later": [1, 2]}
    if "stopped" in stored["fields"]:
        stored["fields"]["stopped"]["path"] = "/later"
    assert CODEC.deserialize(json.dumps(stored)) == FULL[name]


@pytest.mark.parametrize("name", sorted(STORED))
def test_fields_that_an_older_version_did_not_store_take_their_defaults(name: str) -> None:
    stored = json.loads(STORED[name])
    defaults = {field.name: field.default for field in fields(RECORDS[name]) if field.default is not MISSING}
    stored["fields"] = {key: value for key, value in stored["fields"].items() if key not in defaults}
    found = CODEC.deserialize(json.dumps(stored))
    assert {key: getattr(found, key) for key in defaults} == defaults


def test_an_error_is_stored_with_its_class_and_raised_as_it_was() -> None:
    back = CODEC.deserialize(CODEC.serialize(Unavailable("no answer", subject="vault", hint="Wait.", line=7)))
    assert type(back) is Unavailable
    assert (back.message, back.subject, back.hint, back.line) == ("no answer", "vault", "Wait.", 7)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ('{"$error":{"code":"refused","message":"held"}}', Refused),
        ('{"$error":{"code":"refused","message":"held","subject":null,"later":1}}', Refused),
    ],
)
def test_an_error_of_another_version_still_reads(stored: str, expected: type[Exception]) -> None:
    assert type(CODEC.deserialize(stored)) is expected


def test_an_error_class_that_is_unknown_here_is_still_an_error_of_ours() -> None:
    back = CODEC.deserialize('{"$error":{"code":"from-the-future","message":"what it said"}}')
    assert back.message == "what it said"


def test_a_bug_is_stored_by_its_name_and_words_only() -> None:
    back = CODEC.deserialize(CODEC.serialize(KeyError("gone")))
    assert type(back) is RuntimeError
    assert str(back) == "KeyError: 'gone'"


@dataclass(frozen=True)
class _Foreign:
    run_id: str


Impostor = type("Ticket", (Ticket,), {})


@pytest.mark.parametrize(
    "value",
    [
        _Foreign("01J"),
        Impostor("01J"),
        Amount(1, 2),
        ERROR,
        Ticket,
        datetime(2026, 3, 28, tzinfo=UTC),
        timedelta(1),
        Path("/srv"),
        b"bytes",
        {1, 2},
        1j,
        object(),
        print,
        lambda: None,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_a_record_is_never_stored(value: object) -> None:
    for data in (value, [value], {"args": (), "kwargs": {"x": value}}):
        with pytest.raises(TypeError, match="is not a record of the flows"):
            CODEC.serialize(data)


class _Planted:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this must never run",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_planted_pickle_is_not_read(protocol: int, capsys: pytest.CaptureFixture[str]) -> None:
    planted = pickle.dumps(_Planted(), protocol).decode("latin-1")
    with pytest.raises(json.JSONDecodeError):
        CODEC.deserialize(planted)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["Path", "print", "ErrorRecord", "__import__"])
def test_a_stored_row_can_name_nothing_but_the_records(name: str) -> None:
    with pytest.raises(KeyError):
        CODEC.deserialize(json.dumps({"$record": name, "fields": {}}))


def test_a_kept_error_has_every_word_of_the_error() -> None:
    error = Unavailable("no answer", subject="vault", hint="Wait.", line=7)
    assert record_of(error) == ErrorRecord("unavailable", "no answer", "vault", "Wait.", 7)
