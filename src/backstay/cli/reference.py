"""The reference page of the commands, made from the program itself: `python -m backstay.cli.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from backstay.domain.errors import ERRORS, BackstayError, ExitCode

from .commands import program
from .documents import DOCUMENTS, lines

_HEAD = """\
# Commands

<!-- Made by `python -m backstay.cli.reference > docs/reference/commands.md`; change the program, not this page. -->

Every command that shows something takes `--json`: one document on standard output, with `schema`
(`backstay/<name>/1`), `estate`, `at`, and what is listed below as fields. Times are ISO 8601 in UTC and end in `Z`,
spans are seconds (`…_s`), sizes are bytes. Progress and logs go to standard error.
With `--json` an error is a document, too: `backstay/error/1` with `error`: `code`, `message`, `subject`, `hint`,
`path`, `line`.

`BACKSTAY_ESTATE` and `BACKSTAY_STATE` stand for `--estate` and `--state`, `NO_COLOR` for `--no-color`; throwaway
places are made in `TMPDIR`. `BACKSTAY_TRACEBACK=1` prints where a bug of ours was met.
"""

_EXITS: dict[ExitCode, str] = {
    ExitCode.GOOD: "all that was asked is done and good",
    ExitCode.FAILED: "something asked for failed: a backup, a drill, an objective",
    ExitCode.WRONG_INPUT: "the command line or a file is wrong",
    ExitCode.PARTLY: "partly done: some workloads good, some not",
    ExitCode.REFUSED: "refused: a guard held",
    ExitCode.UNAVAILABLE: "a host, repository or lock did not answer in time",
    ExitCode.DAMAGED: "a repository is damaged",
    ExitCode.IMPOSSIBLE: "no plan can meet the objective; the counter-offer is printed",
    ExitCode.WARNINGS: "with `--strict`: warnings",
    ExitCode.OUR_BUG: "a bug of ours",
    ExitCode.INTERRUPTED: "interrupted",
}


def reference_markdown() -> str:
    """The whole page: what stands before every command, the commands, the exit codes, the errors."""
    before = "## Before every command\n\n" + _parameters(program)
    return "\n".join([_HEAD, before, *(_command(name, each) for name, each in commands(program)), _exits(), _errors()])


def commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its whole name; those of groups after their group's name."""
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from commands(each, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", each


def _command(name: str, command: Any) -> str:
    arguments = [_shown(each) for each in command.params if each.param_type_name == "argument"]
    head = f"## `backstay {' '.join([name, *arguments])}`\n\n{command.help}\n"
    return "\n".join([head, *(part for part in (_parameters(command), _document(name)) if part)])


def _shown(argument: Any) -> str:
    metavar = argument.metavar or argument.name.upper()
    return metavar if argument.required or metavar.startswith("[") else f"[{metavar}]"


def _parameters(command: Any) -> str:
    rows = [(_how(each), each.help or "", _default(each)) for each in command.params if each.help]
    return _table(("", "meaning", "default"), rows) if rows else ""


def _how(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_shown(parameter)}`"
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    return ", ".join(f"`{each}{value}`" for each in parameter.opts)


def _default(parameter: Any) -> str:
    if parameter.envvar:
        return f"`${parameter.envvar}`"
    return "" if parameter.default in (None, False) else f"`{parameter.default}`"


def _document(name: str) -> str:
    if name not in DOCUMENTS:
        return ""
    document = DOCUMENTS[name]
    told = [f"- {f'`{where}`' if where else 'beside them'}{': ' * bool(held)}{held}" for where, held in lines(document)]
    return f"`--json`: `backstay/{document.name}/1`\n\n" + "\n".join(told) + "\n"


def _exits() -> str:
    return "## Exit codes\n\n" + _table(("exit", "meaning"), [(str(int(code)), _EXITS[code]) for code in ExitCode])


def _errors() -> str:
    head = "## Error codes\n\nThe `code` of an error says who acts next.\n\n"
    rows = [
        (f"`{code}`", _first_line(cls), str(int(cls.exit_code)), "yes" if cls.retry else "")
        for code, cls in ERRORS.items()
        if cls is not BackstayError
    ]
    return head + _table(("code", "meaning", "exit", "tried again"), rows)


def _first_line(cls: type[BackstayError]) -> str:
    return (cls.__doc__ or "").split("\n\n")[0].replace("\n", " ").strip()


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    table = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in table)


if __name__ == "__main__":
    sys.stdout.write(reference_markdown())
