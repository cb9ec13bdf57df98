"""What one part of a file says about another: names, cycles, places. Read from the raw file, so that a mistake
in one part hides none in the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from posixpath import normpath
from typing import Any

from backstay.domain.estate import LOCALHOST
from backstay.domain.findings import Finding
from backstay.domain.spans import span_text

from .findings import quoted, suggestion, wrong
from .nodes import Node, Path, line_of
from .raw import Body, copies_of, names, part_of, words
from .values import span

_NAMED = (
    ("links", "reaches", {"targets": "target", "hosts": "host"}),
    ("policies", "copies", {"targets": "target"}),
    ("policies", "window", {"windows": "window"}),
    ("workloads", "policy", {"policies": "policy"}),
    ("workloads", "host", {"hosts": "host"}),
    ("workloads", "after", {"workloads": "workload"}),
)


def crosschecked(raw: Any, root: Node) -> Iterator[Finding]:
    """Everything in which the parts of the file do not fit together."""
    checks = (_names, _machines, _cycles, _regions, _locks, _into_itself)
    for code, path, problem in (found for check in checks for found in check(raw)):
        # A cycle belongs to no one workload; its line is that of the first.
        yield wrong(code, path[:1] if code == "cycle" else path, problem, line_of(root, path, key=code == "missing"))


def _names(raw: Any) -> Iterator[tuple[str, Path, str]]:
    for section, key, where in _NAMED:
        known = tuple(name for part in where for name in names(raw, part))
        # What a section that is not there would hold is not worth naming, if another is.
        looked = [part for part in where if names(raw, part)] or list(where)[:1]
        for name, body in part_of(raw, section).items():
            seen: set[str] = set()
            for path, word in words(body, key):
                if word not in known and not (word == LOCALHOST and "hosts" in where):
                    yield "unknown-name", (section, name, *path), _unknown(where, looked, word, known)
                elif word in seen:
                    yield "conflict", (section, name, *path), f"{quoted(word)} is listed twice"
                seen.add(word)


def _unknown(where: Mapping[str, str], looked: list[str], word: str, known: tuple[str, ...]) -> str:
    what = " or ".join(where[part] for part in looked)
    return f"unknown {what} {quoted(word)}{suggestion(word, known) or f'; the file has no {looked[0]}'}"


def _machines(raw: Any) -> Iterator[tuple[str, Path, str]]:
    """This machine and the others, each with what it needs and nothing that contradicts it."""
    for name, host in part_of(raw, "hosts").items():
        if name != LOCALHOST and "address" not in host:
            yield "missing", ("hosts", name), f"needs 'address'; only {LOCALHOST}, which is this machine, has none"
        elif name == LOCALHOST and "address" in host:
            problem = f"{LOCALHOST} is this machine, which needs none; take it out, or call the host something else"
            yield "conflict", ("hosts", name, "address"), problem
        elif name == LOCALHOST and not {"read", "slots"} & host.keys():
            yield "value", ("hosts", name), "says nothing; write read or slots, or take it out"
    for name, link in part_of(raw, "links").items():
        for path, word in words(link, "reaches"):
            if word == LOCALHOST:
                problem = f"{LOCALHOST} is this machine, before every link; name the targets and hosts behind it"
                yield "conflict", ("links", name, *path), problem


def _cycles(raw: Any) -> Iterator[tuple[str, Path, str]]:
    workloads = part_of(raw, "workloads")
    graph = {name: [word for _, word in words(body, "after")] for name, body in workloads.items()}
    for name, body in workloads.items():
        for path, word in words(body, "after"):
            if "exempt" in workloads.get(word, {}):
                yield "conflict", ("workloads", name, *path), f"{quoted(word)} is exempt and never taken"
    while (cycle := _cycle(graph)) is not None:
        first = min(cycle, key=list(graph).index)
        turned = cycle[cycle.index(first) : -1] + cycle[: cycle.index(first)] + [first]
        yield "cycle", ("workloads", first, "after"), f"{' > '.join(turned)} wait for one another"
        graph[first] = []


def _cycle(graph: Mapping[str, list[str]]) -> list[str] | None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1][::-1]  # each waits for the next
        return cycle
    return None


def _regions(raw: Any) -> Iterator[tuple[str, Path, str]]:
    places = {name: body.get("region") for name, body in part_of(raw, "targets").items()}
    known = [region for region in places.values() if isinstance(region, str)]
    for name, policy in part_of(raw, "policies").items():
        allowed = words(policy, "require", "regions")
        for path, word in allowed:
            if word not in known:
                problem = f"no target is in region {quoted(word)}{suggestion(word, known)}"
                yield "unknown-name", ("policies", name, *path), problem
        for path, copy in words(policy, "copies") if allowed else ():
            region = places.get(copy)
            if isinstance(region, str) and region not in [word for _, word in allowed]:
                problem = f"{quoted(copy)} lies in region {quoted(region)}, which require.regions leaves out"
                yield "conflict", ("policies", name, *path), problem


def _locks(raw: Any) -> Iterator[tuple[str, Path, str]]:
    locks = {name: _span(body.get("lock")) for name, body in part_of(raw, "targets").items()}
    for name, policy in part_of(raw, "policies").items():
        require = policy.get("require")
        limit = _span(require.get("delete_after")) if isinstance(require, dict) else None
        for _, copy in words(policy, "copies") if limit else ():
            lock = locks.get(copy)
            if limit and lock and lock > limit:
                problem = f"{span_text(limit)} is in conflict with the lock of {copy}, {span_text(lock)}"
                yield "conflict", ("policies", name, "require", "delete_after"), problem


def _span(written: Any) -> timedelta | None:
    try:
        return span(written)
    except ValueError:
        return None


def _into_itself(raw: Any) -> Iterator[tuple[str, Path, str]]:
    for name, workload in part_of(raw, "workloads").items():
        # Paths on another machine are not this one's, and what is exempt is copied nowhere.
        if workload.get("host", LOCALHOST) != LOCALHOST or "exempt" in workload:
            continue
        targets = _places_of_copies(raw, workload)
        left_out = [normpath(word) for _, word in words(workload, "exclude")]
        for path, source in (*words(workload, "paths"), *words(workload, "path")):
            for target, place in targets:
                if _inside(source, place):
                    yield "conflict", ("workloads", name, *path), f"{quoted(source)} lies in the target {target}"
                elif _inside(place, source) and not any(_inside(place, pattern) for pattern in left_out):
                    problem = (
                        f"{quoted(source)} holds the target {target}, a backup into itself; exclude {quoted(place)}"
                    )
                    yield "conflict", ("workloads", name, *path), problem


def _places_of_copies(raw: Any, workload: Body) -> list[tuple[str, str]]:
    targets = part_of(raw, "targets")
    return [
        (copy, url)
        for copy in copies_of(raw, workload)
        for _, url in words(targets.get(copy, {}), "url")
        if url.startswith("/")
    ]


def _inside(inner: str, outer: str) -> bool:
    if not (inner.startswith("/") and outer.startswith("/")):
        return False
    inner, outer = normpath(inner), normpath(outer).rstrip("/")
    return inner == outer or inner.startswith(f"{outer}/") or not outer
