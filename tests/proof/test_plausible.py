from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.config.values import share
from backstay.domain.estate import Plausible
from backstay.domain.runs import Amount
from backstay.proof.judging import implausible

BEFORE = Amount(bytes=1000, items=100)
HALF = Plausible()

counts = st.none() | st.integers(0, 10**15)
amounts = st.builds(Amount, counts, counts)


@pytest.mark.parametrize(
    ("now", "before", "rule"),
    [
        pytest.param(Amount(1000, 100), BEFORE, HALF, id="unchanged"),
        pytest.param(Amount(10**12, 10**9), BEFORE, HALF, id="grown"),
        pytest.param(Amount(500, 50), BEFORE, HALF, id="half is still believed"),
        pytest.param(Amount(1, 1), None, HALF, id="first backup"),
        pytest.param(Amount(1, 1), Amount(), HALF, id="nothing known of the last"),
        pytest.param(Amount(1, 1), Amount(0, 0), HALF, id="empty before"),
        pytest.param(Amount(), BEFORE, HALF, id="nothing known of this one"),
        pytest.param(Amount(None, 100), BEFORE, HALF, id="bytes unknown"),
        pytest.param(Amount(10, 1), BEFORE, Plausible(shrink=0.99), id="shrinking allowed"),
        pytest.param(Amount(0, 1), BEFORE, Plausible(shrink=1.0), id="any shrinking allowed"),
        pytest.param(Amount(0, 0), None, Plausible(empty=True), id="empty allowed"),
        pytest.param(Amount(0, 0), BEFORE, Plausible(empty=True), id="empty allowed after data"),
        pytest.param(Amount(0, 3), None, HALF, id="three empty files are not an empty source"),
        pytest.param(Amount(71, 71), Amount(100, 100), Plausible(shrink=0.29), id="29 % of 100 is 29"),
    ],
)
def test_a_source_is_believed(now: Amount, before: Amount | None, rule: Plausible) -> None:
    assert implausible("crm", now, before, rule) is None


@pytest.mark.parametrize(
    ("now", "before", "rule", "code", "message", "leave"),
    [
        (Amount(0, 0), None, HALF, "source-empty", "the source is empty", "{empty: true}"),
        (Amount(0, 0), BEFORE, HALF, "source-empty", "the source is empty", "{empty: true}"),
        (Amount(4096, 0), BEFORE, HALF, "source-empty", "the source is empty", "{empty: true}"),
        (Amount(0, None), BEFORE, HALF, "source-empty", "the source is empty", "{empty: true}"),
        (Amount(0, 0), BEFORE, Plausible(shrink=1.0), "source-empty", "the source is empty", "{empty: true}"),
        (
            Amount(1000, 49),
            BEFORE,
            HALF,
            "source-shrunk",
            "the source has 49 items; 100 were there at the last good point",
            "{shrink: 51%}",
        ),
        (
            Amount(499, 100),
            BEFORE,
            HALF,
            "source-shrunk",
            "the source has 499 bytes; 1,000 were there at the last good point",
            "{shrink: 51%}",
        ),
        (
            Amount(1, 40),
            BEFORE,
            HALF,
            "source-shrunk",
            "the source has 1 bytes; 1,000 were there at the last good point",
            "{shrink: 100%}",
        ),
        (
            Amount(1, 1),
            BEFORE,
            Plausible(empty=True),
            "source-shrunk",
            "the source has 1 bytes; 1,000 were there at the last good point",
            "{shrink: 100%}",
        ),
    ],
)
def test_a_source_is_not_believed_and_the_finding_says_how_to_allow_it(
    now: Amount, before: Amount | None, rule: Plausible, code: str, message: str, leave: str
) -> None:
    finding = implausible("crm", now, before, rule)
    assert finding
    assert (finding.code, finding.severity, finding.subject, finding.message) == (code, "error", "crm", message)
    assert finding.hint == f"Look at the source; if this is meant, write plausible: {leave} on the workload."


@given(amounts, st.none() | amounts, st.integers(0, 100))
def test_the_leave_that_a_finding_names_is_enough(now: Amount, before: Amount | None, percent: int) -> None:
    finding = implausible("crm", now, before, Plausible(shrink=share(f"{percent}%")))
    if finding:
        shrink = re.search(r"shrink: (\d+%)", finding.hint or "")
        leave = Plausible(shrink=share(shrink[1])) if shrink else Plausible(empty=True)
        assert implausible("crm", now, before, leave) is None


@given(st.integers(1, 10**12), st.integers(0, 10**12), st.none() | amounts)
def test_growth_is_always_believed(items: int, more: int, before: Amount | None) -> None:
    grown = Amount(((before and before.bytes) or 0) + more, ((before and before.items) or 0) + items)
    assert implausible("crm", grown, before, HALF) is None


@given(amounts, amounts, st.floats(0, 1), st.floats(0, 1))
def test_a_stricter_rule_believes_no_more(now: Amount, before: Amount, one: float, other: float) -> None:
    strict, easy = sorted((one, other))
    if implausible("crm", now, before, Plausible(shrink=easy)):
        assert implausible("crm", now, before, Plausible(shrink=strict))
