"""`estate.yaml` becomes an `Estate`, or everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from backstay.domain.errors import ConfigError
from backstay.domain.estate import Estate
from backstay.domain.findings import Finding

from .build import built
from .complaints import validated
from .crosscheck import crosschecked
from .document import NotReadable, read
from .estate_file import OPTIONAL_SECTIONS
from .findings import wrong
from .leaks import REFERENCE, open_files, passwords
from .limits import limited
from .nodes import Node, Path, Scalar, children, dotted, line_of, plain
from .origins import Origin, origins
from .unacted import unacted

MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file said. `estate` is None exactly when a finding is an error; findings are in the order of lines."""

    path: str
    estate: Estate | None
    findings: tuple[Finding, ...]
    origins: Mapping[str, Origin] = field(default_factory=dict)


def load(path: str) -> Loaded:
    """Read the file at `path`. Whatever lies there is told in findings; nothing is raised."""
    try:
        root, findings = read(_text(path))
    except NotReadable as error:
        return Loaded(path, None, (error.finding,))
    raw = plain(root)
    empty = set(_empty(root))
    file, complaints = validated(raw, root, empty)
    findings = [*findings, *complaints, *crosschecked(raw, root), *limited(raw, root), *_open(root)]
    findings = _told_once(findings, {**_silent(root, empty), **_leaking(root)})
    if file is None or findings:
        return Loaded(path, None, _in_order(findings))
    return Loaded(path, built(file), _in_order(list(unacted(file, root))), origins(file, root, path))


def load_or_raise(path: str) -> Estate:
    """The estate at `path`.

    Raises: ConfigError for the first thing that is wrong with it; its hint counts the others.
    """
    loaded = load(path)
    if loaded.estate is not None:
        return loaded.estate
    first, others = loaded.findings[0], len(loaded.findings) - 1
    hint = f"{others} more {'is' if others == 1 else 'are'} wrong; backstay check lists all." if others else None
    raise ConfigError(first.message, subject=first.subject or None, hint=first.hint or hint, path=path, line=first.line)


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise NotReadable(f"cannot be read: {str(reason).lower()}", None) from error
    if len(content) > MOST_BYTES:
        raise NotReadable("larger than 32 MiB, which is no estate file", None)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotReadable("not UTF-8 text", content.count(b"\n", 0, error.start) + 1) from error


def _empty(node: Node, path: Path = ()) -> Iterator[Path]:
    """Keys and list items that say nothing, less the sections that may."""
    for part, child in children(node):
        where = (*path, part)
        if not isinstance(child, Scalar):
            yield from _empty(child, where)
        elif child.empty and not (len(where) == 1 and part in OPTIONAL_SECTIONS):
            yield where


def _open(root: Node) -> Iterator[Finding]:
    for path, line, name, mode in open_files(root):
        yield wrong("secret", path, f"{name} can be read by others (mode {mode:04o}); run chmod 600 {name}", line)


def _silent(root: Node, empty: set[Path]) -> dict[str, Finding]:
    problem = "says nothing; write a value or take the line out"
    return {dotted(path): wrong("value", path, problem, line_of(root, path)) for path in empty}


def _leaking(root: Node) -> dict[str, Finding]:
    problem = f"a password in the file; take it out and write {REFERENCE}"
    return {dotted(path): wrong("secret", path, problem, line) for path, line in passwords(root)}


def _told_once(findings: list[Finding], instead: Mapping[str, Finding]) -> list[Finding]:
    """With what is said `instead` of anything else about the same value; about a password, more might show it."""
    return [finding for finding in findings if finding.subject not in instead] + list(instead.values())


def _in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: finding.line or 0))
