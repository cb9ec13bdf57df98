"""How `check` and `init` look."""

from __future__ import annotations

from backstay.app.check import CheckView
from backstay.app.init import InitView
from backstay.app.now import now
from backstay.domain.findings import Finding

from .output import document, emit
from .terminal import Screen, count


def show_check(screen: Screen, view: CheckView, *, effective: bool, as_json: bool) -> None:
    """Errors by line as a compiler gives them; advice below; with `effective` every value and its origin."""
    if as_json:
        content: dict[str, object] = {"path": view.path, "findings": view.findings}
        if effective:
            content["effective"] = view.origins
        emit(document("check", view.estate, now(), **content))
        return
    errors = [finding for finding in view.findings if finding.severity == "error"]
    for finding in errors:
        screen.say(_place(view.path, finding) + finding.message)
        if finding.hint:
            screen.say(finding.hint, indent=2)
    if errors:
        screen.say(f"{count(len(errors), 'error')}; nothing was changed")
        return
    screen.say(
        f"{view.estate}: {count(view.workloads, 'workload')}, {count(view.targets, 'target')}, "
        f"{count(view.policies, 'policy', 'policies')}; the file is sound"
    )
    _group(screen, view, "warning", "accepted, but nothing acts on it yet")
    _group(screen, view, "advice", "advice")
    if effective:
        screen.say()
        rows = [(name, origin.text, origin.place) for name, origin in view.origins.items()]
        screen.table(("setting", "value", "from"), rows)


def _group(screen: Screen, view: CheckView, severity: str, title: str) -> None:
    found = [finding for finding in view.findings if finding.severity == severity]
    if not found:
        return
    screen.say(f"\n{title}", style="bold")
    rows: list[tuple[str, str]] = []
    for finding in found:
        rows.append((f"line {finding.line}" if finding.line else finding.subject, finding.message))
        rows += [("", finding.hint)] if finding.hint else []
    screen.table(("", ""), rows)


def show_init(screen: Screen, view: InitView, as_json: bool) -> None:
    """Where the file is and what was found."""
    if as_json:
        emit(document("init", view.estate, now(), path=view.path, found=view.found))
        return
    screen.say(f"wrote {view.path}\n")
    if view.found:
        rows = [(found.workload, found.kind, found.where, found.remark) for found in view.found]
        screen.table(("found", "kind", "where", "remark"), rows)
    screen.say("\nnext: read it, then\n  backstay check\n  backstay run --all\n  backstay drill --all")


def _place(path: str, finding: Finding) -> str:
    return f"{path}:{finding.line}  " if finding.line else f"{path}  "
