"""Limits that leave nothing possible: links that reach nothing, pools that nothing uses, hours without a common minute.
Read from the raw file, as `crosscheck` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from backstay.domain.findings import Finding

from .findings import quoted, wrong
from .nodes import Node, Path, line_of
from .raw import Body, copies_of, names, part_of, words
from .values import rate_or_zero
from .weeks import ALL, minutes, wait

_DAY = 24 * 60

Problem = tuple[Path, str]


def limited(raw: Any, root: Node) -> Iterator[Finding]:
    """Everything that could never run, or would limit nothing."""
    dark = _dark(raw)
    spans = {name: _span(window) for name, window in part_of(raw, "windows").items()}
    opened = {name: span & ~dark for name, span in spans.items() if span & ~dark}
    silent = [("windows", name, "open") for name, span in spans.items() if span and name not in opened]
    found = [*_links(raw), *_pools(raw), *_blackouts(dark, silent), *_workloads(raw, dark, opened)]
    for path, problem in (*found, *_orders(raw, opened)):
        yield wrong("conflict", path, problem, line_of(root, path))


def _links(raw: Any) -> Iterator[Problem]:
    for name, link in part_of(raw, "links").items():
        if not link.get("reaches"):
            places = ", ".join((*names(raw, "targets"), *names(raw, "hosts"))[:3])
            yield ("links", name, "reaches"), f"reaches nothing; name the targets and hosts behind it, of: {places}"
        if _closed(link) == ALL:
            yield ("links", name, "hours"), "carries nothing at any hour; give a part of the day more than 0MB/s"
        yield from _overlaps(name, _hours(link))


def _hours(link: Body) -> dict[str, Any]:
    written = link.get("hours")
    return written if isinstance(written, dict) else {}


def _overlaps(link: str, hours: dict[str, Any]) -> Iterator[Problem]:
    taken: dict[str, int] = {}
    for part in hours:
        span = minutes(part)
        other = next((earlier for earlier, its in taken.items() if its & span), None)
        if other is not None:
            problem = f"{quoted(part)} overlaps {quoted(other)}; let one begin where the other ends"
            yield ("links", link, "hours", part), problem
        taken[part] = span


def _closed(link: Body) -> int:
    """The minutes in which a link carries nothing."""
    return reduce(or_, (minutes(part) for part, rate in _hours(link).items() if _is_nothing(rate)), 0)


def _is_nothing(rate: Any) -> bool:
    try:
        return rate_or_zero(rate) == 0
    except ValueError:
        return False


def _pools(raw: Any) -> Iterator[Problem]:
    taken = [body.get("kind") for body in part_of(raw, "workloads").values() if "exempt" not in body]
    known = sorted({kind for kind in taken if isinstance(kind, str)})
    for name, pool in part_of(raw, "pools").items():
        if known and not any(kind in known for _, kind in words(pool, "kinds")):
            problem = f"nothing uses it; name a kind that there is ({', '.join(known)}), or take the pool out"
            yield ("pools", name, "kinds"), problem


def _blackouts(dark: int, silent: Sequence[Path]) -> Iterator[Problem]:
    if dark == ALL:
        yield ("blackouts",), "no minute of the week is left; shorten one"
        return
    for path in silent:
        yield path, "never opens: blackouts cover all of it; shorten one, or open the window at another time"


def _span(window: Body) -> int:
    days = [word for _, word in words(window, "days")]
    return minutes(f"{window.get('open')}-{window.get('close')}", days)


def _dark(raw: Any) -> int:
    """The minutes of every week in which nothing may start."""
    bodies = part_of(raw, "blackouts").values()
    return reduce(or_, (minutes(body.get("hours"), [word for _, word in words(body, "days")]) for body in bodies), 0)


def _window(raw: Any, workload: Body) -> str | None:
    policy = workload.get("policy")
    owed = part_of(raw, "policies").get(policy, {}) if isinstance(policy, str) else {}
    named = owed.get("window")
    return named if isinstance(named, str) else None


def _workloads(raw: Any, dark: int, opened: Mapping[str, int]) -> Iterator[Problem]:
    closed = {name: _closed(link) for name, link in part_of(raw, "links").items()}
    sometimes = {name: span for name, span in closed.items() if span and span != ALL}
    for name, workload in part_of(raw, "workloads").items() if sometimes else ():
        on_the_way = [link for link in sometimes if _passes(raw, workload, link)]
        carried = reduce(and_, (ALL & ~sometimes[link] for link in on_the_way), ALL & ~dark)
        window = _window(raw, workload)
        if on_the_way and dark != ALL and not carried & opened.get(window or "", ALL):
            when = f"while the window {window} is open" if window in opened else "at a time when work may run"
            problem = f"can never run: {' and '.join(on_the_way)} carries nothing {when}; let some of its hours carry"
            yield ("workloads", name), problem


def _passes(raw: Any, workload: Body, link: str) -> bool:
    """Whether a workload's bytes pass this link on their way to its first copy."""
    way = () if "exempt" in workload else (workload.get("host"), *copies_of(raw, workload)[:1])
    return any(word in way for _, word in words(part_of(raw, "links")[link], "reaches"))


def _orders(raw: Any, opened: Mapping[str, int]) -> Iterator[Problem]:
    workloads = part_of(raw, "workloads")
    for name, workload in workloads.items():
        window = _window(raw, workload)
        for path, word in words(workload, "after"):
            other = _window(raw, workloads.get(word, {}))
            if wait(opened.get(other or "", ALL), opened.get(window or "", ALL)) >= _DAY:
                problem = (
                    f"the window {window} does not open within a day of {word}'s window {other};"
                    " give both one window, or take it out"
                )
                yield ("workloads", name, *path), problem
