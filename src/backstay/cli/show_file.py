"""How `check` and `init` look."""

from __future__ import annotations

import typer
from rich.markup import escape

from backstay.app.check import CheckView
from backstay.app.init import InitView
from backstay.app.now import now
from backstay.domain.findings import Finding

from .output import document
from .terminal import Screen, columns


def show_check(screen: Screen, view: CheckView, *, effective: bool, as_json: bool) -> None:
    """Errors by line as a compiler gives them; advice below; with `effective` every value and its origin."""
    if as_json:
        content: dict[str, object] = {"path": view.path, "findings": view.findings}
        if effective:
            content["effective"] = view.origins
        typer.echo(document("check", view.estate, now(), **content), nl=False)
        return
    errors = [finding for finding in view.findings if finding.severity == "error"]
    for finding in errors:
        screen.out.print(_place(view.path, finding) + escape(finding.message), soft_wrap=True)
        if finding.hint:
            screen.out.print(f"  {escape(finding.hint)}", soft_wrap=True)
    if errors:
        screen.out.print(f"{_count(len(errors), 'error')}; nothing was changed")
        return
    screen.out.print(
        f"{view.estate}: {_count(view.workloads, 'workload')}, {_count(view.targets, 'target')}, "
        f"{_count(view.policies, 'policy', 'policies')}; the file is sound"
    )
    _group(screen, view, "warning", "accepted, but nothing acts on it yet")
    _group(screen, view, "advice", "advice")
    if effective:
        _effective(screen, view)


def _group(screen: Screen, view: CheckView, severity: str, title: str) -> None:
    found = [finding for finding in view.findings if finding.severity == severity]
    if not found:
        return
    screen.out.print(f"\n{title}", style="bold")
    table = columns("", "")
    for finding in found:
        where = f"line {finding.line}" if finding.line else finding.subject
        told = f"{finding.subject}: {finding.message}" if finding.line else finding.message
        table.add_row(f"  {escape(where)}", escape(told) + (f"\n{escape(finding.hint)}" if finding.hint else ""))
    screen.out.print(table)


def _effective(screen: Screen, view: CheckView) -> None:
    table = columns("setting", "value", "from")
    for name, origin in view.origins.items():
        table.add_row(escape(name), escape(origin.text), escape(origin.place))
    screen.out.print()
    screen.out.print(table)


def show_init(screen: Screen, view: InitView, as_json: bool) -> None:
    """Where the file is and what was found."""
    if as_json:
        typer.echo(document("init", view.estate, now(), path=view.path, found=view.found), nl=False)
        return
    screen.out.print(f"wrote {escape(view.path)}")
    table = columns("found", "kind", "where", "")
    for found in view.found:
        table.add_row(escape(found.workload), found.kind, escape(found.where), escape(found.remark))
    if view.found:
        screen.out.print(table)
    screen.out.print("\nnext: read it, then\n  backstay check\n  backstay run --all\n  backstay drill --all")


def _place(path: str, finding: Finding) -> str:
    return f"{escape(path)}:{finding.line}  " if finding.line else f"{escape(path)}  "


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
