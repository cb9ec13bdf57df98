"""What the pages show is true: their links lead somewhere, their estates are sound, their commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backstay.cli.commands import program
from backstay.cli.reference import commands
from backstay.config import load

HOUSE = Path(__file__).parents[2]
PAGES = [HOUSE / "README.md", HOUSE / "CONTRIBUTING.md", *sorted((HOUSE / "docs").rglob("*.md"))]
PAGES += sorted((HOUSE / "changelog.d").glob("*.md"))


def named(path: Path) -> str:
    return str(path.relative_to(HOUSE))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if "://" not in link]
    assert [link for link in inside if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_that_a_page_names_is_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = {word for name, _ in commands(program) for word in (name, name.split()[0])}
    code = [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    option = r"(?: --(?:estate|state) \S+| --quiet)*"
    used = {word for part in code for word in re.findall(rf"(?<![\w.-])backstay{option} ([a-z]+)", part)}
    assert used - known == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_estate_on_a_page_is_sound(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for block in blocks:
        (tmp_path / "estate.yaml").write_text(block, encoding="utf-8")
        findings = load(str(tmp_path / "estate.yaml")).findings
        assert [finding.message for finding in findings if finding.severity == "error"] == []


@pytest.mark.parametrize("example", sorted((HOUSE / "docs" / "examples").glob("*.yaml")), ids=named)
def test_every_example_is_sound(example: Path) -> None:
    findings = load(str(example)).findings
    assert [finding.message for finding in findings if finding.severity == "error"] == []


def test_a_fragment_of_the_changelog_says_which_sort_of_change_it_is() -> None:
    fragments = [path.name for path in (HOUSE / "changelog.d").iterdir() if path.name != "README.md"]
    assert fragments
    sorts = re.compile(r"[a-z-]+\.(added|changed|fixed|removed)\.md")
    assert [name for name in fragments if not sorts.fullmatch(name)] == []
