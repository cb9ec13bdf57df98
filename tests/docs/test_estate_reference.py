"""The reference page of the estate file says what the grammar says."""

from __future__ import annotations

from pathlib import Path

from backstay.config.reference import reference_markdown

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "estate.md"


def test_the_estate_reference_is_what_the_grammar_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference_markdown(), (
        "docs/reference/estate.md is not what the grammar says; "
        "run: python -m backstay.config.reference > docs/reference/estate.md"
    )
