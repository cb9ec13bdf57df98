"""Whatever lies in the file, `load` answers: with an estate, or with findings that a person can read."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from backstay.config import load

FULL = (Path(__file__).parents[2] / "docs" / "examples" / "full.yaml").read_text()
PIECES = [
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "\n",
    "\t",
    "*a",
    "&a ",
    "null",
    "~",
    "!x ",
    "'",
    '"',
    "|",
    "0",
    "<<: *a",
    "? ",
]
PIECES += [
    "99999999999999999999y",
    "env:",
    "file:/",
    "../",
    "\\",
    "\x00",
    "\u2028",
    "workloads",
    "gold",
    "exempt: {}",
    "kind",
]

mutations = st.lists(
    st.tuples(st.integers(0, len(FULL)), st.integers(0, 30), st.sampled_from(["", *PIECES])), min_size=1, max_size=5
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(), st.text(alphabet="ab:-[]{}&*!|>'\"%@`#,? \n\t\\xu~"), st.binary()))
def test_any_text_is_answered(content: str | bytes) -> None:
    check(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)


@settings(max_examples=150, deadline=None)
@given(mutations)
def test_any_change_to_a_sound_file_is_answered(changes: list[tuple[int, int, str]]) -> None:
    text = FULL
    for place, length, piece in changes:
        text = text[:place] + piece + text[place + length :]
    check(text.encode())


def check(content: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(content)
        file.flush()
        loaded = load(file.name)
    assert (loaded.estate is None) == any(finding.severity == "error" for finding in loaded.findings)
    assert all(finding.message.isprintable() for finding in loaded.findings)
    assert [finding.line or 0 for finding in loaded.findings] == sorted(
        finding.line or 0 for finding in loaded.findings
    )
