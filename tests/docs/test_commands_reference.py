"""The reference page of the commands says what the program is."""

from __future__ import annotations

from pathlib import Path

import pytest

from backstay import __version__
from backstay.cli.commands import program
from backstay.cli.documents import DOCUMENTS
from backstay.cli.main import run
from backstay.cli.reference import commands, reference_markdown
from backstay.domain.errors import ERRORS, ExitCode

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"


def test_the_commands_reference_is_what_the_program_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference_markdown(), (
        "docs/reference/commands.md is not what the program says; "
        "run: python -m backstay.cli.reference > docs/reference/commands.md"
    )


@pytest.mark.parametrize("name", [name for name, _ in commands(program)])
def test_every_command_and_option_is_described(name: str) -> None:
    command = dict(commands(program))[name]
    assert command.help
    options = [each for each in command.params if each.param_type_name == "option"]
    assert [each.name for each in options if not each.help] == []


def test_every_command_that_gives_a_document_says_what_is_in_it() -> None:
    with_json = {name for name, each in commands(program) if any(p.name == "as_json" for p in each.params)}
    assert set(DOCUMENTS) == with_json


def test_every_exit_code_and_every_error_code_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"\n| {int(code)} | " in page for code in ExitCode)
    assert all(f"\n| `{code}` | " in page for code in ERRORS if code != "error")


def test_the_version_needs_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"backstay {__version__}\n"
