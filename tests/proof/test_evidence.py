from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backstay.domain.drills import LEVELS, Drill, DrillVerdict, Evidence, LevelOutcome, LevelResult
from backstay.proof.evidence import canonical, drill_evidence, utc

AT = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
FACTS = {"run_id": "run-1", "snapshot": "5afe", "engine": "restic", "method": None}
FIRST = Drill(
    drill="d-1",
    workload="crm",
    point="p-1",
    as_of=AT,
    started_at=AT + timedelta(hours=1),
    ended_at=AT + timedelta(hours=1, seconds=7.25),
    verdict="proven",
    levels=(LevelResult("L2", "passed", "3 files"), LevelResult("L5", "passed", "3 of 3 equal: ä \udce9")),
    rto_s=1.5,
    findings=(),
)
# What the record does not tell: findings repeat the failed levels, and the number is the record's own.
NOT_IN_THE_RECORD = {"findings", "evidence"}

moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - UTC is added
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
words = st.text(max_size=8)
level_results = st.builds(LevelResult, st.sampled_from(list(LEVELS)), st.sampled_from(get_args(LevelOutcome)), words)
drills = st.builds(
    Drill,
    drill=words,
    workload=words,
    point=words,
    as_of=moments,
    started_at=moments,
    ended_at=moments,
    verdict=st.sampled_from(get_args(DrillVerdict)),
    levels=st.lists(level_results, max_size=4).map(tuple),
    rto_s=st.none() | st.floats(0, 1e6),
    findings=st.just(()),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(words, json_values, max_size=4)


def test_a_record_tells_the_whole_drill() -> None:
    evidence = drill_evidence(FIRST, FACTS, None)
    assert json.loads(evidence.record) == {
        "schema": "backstay/evidence/1",
        "number": 1,
        "kind": "drill",
        "previous": None,
        "drill": "d-1",
        "workload": "crm",
        "point": "p-1",
        "as_of": "2026-03-28T22:00:00.000Z",
        "started_at": "2026-03-28T23:00:00.000Z",
        "ended_at": "2026-03-28T23:00:07.250Z",
        "verdict": "proven",
        "rto_s": 1.5,
        "levels": [
            {"level": "L2", "result": "passed", "detail": "3 files"},
            {"level": "L5", "result": "passed", "detail": "3 of 3 equal: ä \udce9"},
        ],
        "facts": FACTS,
    }
    assert (evidence.number, evidence.kind, evidence.at, evidence.previous) == (1, "drill", FIRST.ended_at, None)


def test_every_field_of_a_drill_is_in_the_record_or_known_not_to_be() -> None:
    told = json.loads(drill_evidence(FIRST, FACTS, None).record)
    assert {field.name for field in fields(Drill)} - told.keys() == NOT_IN_THE_RECORD


def test_a_chain_of_drills_is_recomputed_with_nothing_but_a_sha256() -> None:
    chain: list[Evidence] = []
    for name in ("d-1", "d-2", "d-3"):
        chain.append(drill_evidence(replace(FIRST, drill=name), FACTS, chain[-1] if chain else None))
    previous = None
    for number, evidence in enumerate(chain, start=1):
        told = json.loads(evidence.record)
        assert hashlib.sha256(evidence.record.encode("ascii")).hexdigest() == evidence.digest
        assert (told["number"], told["previous"]) == (evidence.number, evidence.previous) == (number, previous)
        previous = evidence.digest


def test_evidence_that_was_changed_breaks_the_chain_behind_it() -> None:
    first = drill_evidence(replace(FIRST, verdict="failed"), FACTS, None)
    forged = drill_evidence(FIRST, FACTS, None)
    assert drill_evidence(FIRST, FACTS, first).previous != forged.digest


@given(drills, drills, st.sampled_from(sorted({field.name for field in fields(Drill)} - NOT_IN_THE_RECORD)))
def test_any_field_that_changes_changes_the_digest(drill: Drill, other: Drill, name: str) -> None:
    changed: Any = {name: getattr(other, name)}
    assume(getattr(drill, name) != changed[name])
    before, after = drill_evidence(drill, FACTS, None), drill_evidence(replace(drill, **changed), FACTS, None)
    assert before.digest != after.digest


@given(json_objects, json_objects)
def test_other_facts_change_the_digest(facts: dict[str, Any], others: dict[str, Any]) -> None:
    one, other = drill_evidence(FIRST, facts, None), drill_evidence(FIRST, others, None)
    assert (one.digest == other.digest) == (json.dumps(facts, sort_keys=True) == json.dumps(others, sort_keys=True))


@given(drills)
def test_the_same_drill_gives_the_same_evidence(drill: Drill) -> None:
    assert drill_evidence(drill, FACTS, None) == drill_evidence(drill, FACTS, None)


@given(json_objects, st.randoms(use_true_random=False))
def test_the_canonical_form_is_one_line_of_ascii_that_reads_back_and_has_one_order(
    value: dict[str, Any], random: Any
) -> None:
    written = canonical(value)
    keys = list(value)
    random.shuffle(keys)
    assert written == canonical({key: value[key] for key in keys})
    assert json.loads(written) == value
    assert written.isascii()
    assert written.isprintable()
    assert written == canonical(json.loads(written))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({}, "{}"),
        ({"b": [1, 2.5, None, True], "a": {"z": "", "y": {}}}, '{"a":{"y":{},"z":""},"b":[1,2.5,null,true]}'),
        ({"ä": "\n\0\U0001f9f7"}, '{"\\u00e4":"\\n\\u0000\\ud83e\\uddf7"}'),
    ],
)
def test_the_canonical_form_is_as_printed(value: dict[str, Any], written: str) -> None:
    assert canonical(value) == written


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (AT, "2026-03-28T22:00:00.000Z"),
        (datetime(2026, 3, 29, 3, 0, tzinfo=timezone(timedelta(hours=2))), "2026-03-29T01:00:00.000Z"),
        (AT + timedelta(microseconds=123_999), "2026-03-28T22:00:00.123Z"),
    ],
)
def test_a_moment_is_written_in_utc_to_the_millisecond(moment: datetime, written: str) -> None:
    assert utc(moment) == written
