"""Advice on a sound estate: what it asks for and cannot have, or has and should not rely on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from backstay.domain.estate import Estate, Keep, Policy, Target, Workload
from backstay.domain.findings import Finding
from backstay.domain.spans import span_text

from .calendar.windows import Interval, Occurrence, occurrences, open_intervals

_DAY = timedelta(days=1)
_CALENDAR = {
    "hourly": timedelta(hours=1),
    "daily": _DAY,
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_LOGS = {"postgresql": "pgbackrest", "mariadb": "mariabackup"}
_LOG_ENGINES = frozenset({"native", "pgbackrest", "mariabackup"})

_WEEKS = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 16, tzinfo=UTC))
"""Any two weeks without a change of clocks: what comes once a week comes twice in them."""


def advice(estate: Estate) -> tuple[Finding, ...]:
    """Everything in the estate that its owner should think about again, policies first."""
    policies = [
        finding
        for policy in estate.policies.values()
        for finding in (*_retention(policy), *_copies(estate, policy), *_regions(estate, policy), *_drills(policy))
    ]
    return (*policies, *(finding for workload in estate.workloads.values() for finding in _rhythms(estate, workload)))


def _advise(code: str, subject: str, message: str, hint: str) -> Finding:
    return Finding(code, "advice", subject, message, hint)


def _retention(policy: Policy) -> Iterator[Finding]:
    """An RPO says how often points are taken, retention how long they stay; the one does not give the other."""
    keep, rpo = policy.keep, policy.rpo
    if keep == Keep():
        yield _advise(
            "no-retention",
            policy.name,
            "says how much may be lost, but not how long copies are kept: all are kept for ever",
            "Add keep: {daily: 30, monthly: 12}, or whatever the business asks for.",
        )
    if keep.within is not None and keep.within < rpo:
        yield _advise(
            "rpo-retention",
            policy.name,
            f"keeps points within {span_text(keep.within)}, but takes one only every {span_text(rpo)}",
            f"Set keep.within to how far back you need to return, at least {span_text(rpo)}.",
        )
    for rule, every in _CALENDAR.items():
        if getattr(keep, rule) and every < rpo:
            yield _advise(
                "rpo-retention",
                policy.name,
                f"keeps {rule} points, but takes one only every {span_text(rpo)}",
                f"Set rpo: {span_text(every)} to have {rule} points, or drop keep.{rule}.",
            )


def _copies(estate: Estate, policy: Policy) -> Iterator[Finding]:
    targets = _targets(estate, policy)
    if len(targets) < 2:
        yield _advise(
            "too-few-copies",
            policy.name,
            f"has one copy, in {targets[0].name}; 3-2-1-1-0 lacks: a second place",
            "Add a target elsewhere, and name both in copies.",
        )
    elif len({_place(target) for target in targets}) == 1:
        names = ", ".join(target.name for target in targets)
        yield _advise(
            "one-place",
            policy.name,
            f"all copies in one place ({names}); 3-2-1-1-0 lacks: a second place",
            "Add a copy in another region, and give each target its region.",
        )


def _targets(estate: Estate, policy: Policy) -> list[Target]:
    names = policy.copies or tuple(estate.targets)[:1]
    return [estate.targets[name] for name in names]


def _place(target: Target) -> str:
    """Where a target stands, as far as the file says; paths without a region are on this machine."""
    return target.region or ("this machine" if target.url.startswith("/") else target.name)


def _regions(estate: Estate, policy: Policy) -> Iterator[Finding]:
    for target in _targets(estate, policy):
        if policy.require.regions and target.region is None:
            yield _advise(
                "region-unknown",
                policy.name,
                f"allows some regions only, but nothing says where {target.name} stands",
                f"Add region to the target {target.name}.",
            )


def _drills(policy: Policy) -> Iterator[Finding]:
    if policy.drill is None:
        yield _advise(
            "no-drill",
            policy.name,
            "never proves a restore: a backup that was never restored is a hope",
            "Add drill: quarterly, or more often for what must not be lost.",
        )


def _rhythms(estate: Estate, workload: Workload) -> Iterator[Finding]:
    """What the week leaves to its runs. Blackouts that happen once are not looked at: they may be over."""
    policy = workload.policy
    if policy is None or workload.engine in _LOG_ENGINES:
        return
    weekly = tuple(blackout for blackout in estate.blackouts.values() if blackout.hours)
    dark = _longest(open_intervals(None, weekly, UTC, *_WEEKS)) if weekly else timedelta(0)
    if policy.rpo < dark:
        yield _advise(
            "rpo-blackout",
            workload.name,
            f"an RPO of {span_text(policy.rpo)} cannot be met: blackouts let nothing start for {span_text(dark)}",
            f"Shorten them, or ask for an RPO of more than {span_text(dark)}.",
        )
    if policy.window is not None:
        nights = occurrences(estate.windows[policy.window], weekly, UTC, *_WEEKS)
        yield from _window(workload, policy, policy.window, nights)


def _window(workload: Workload, policy: Policy, window: str, nights: Sequence[Occurrence]) -> Iterator[Finding]:
    apart = _longest([(night.opens_at, night.closes_at) for night in nights])
    if policy.rpo < apart:
        logs = _LOGS.get(workload.kind)
        way = f"Take logs all day (engine {logs})" if logs else "Widen the window"
        days = max(later.day - night.day for night, later in pairwise(nights))
        yield _advise(
            "rpo-window",
            workload.name,
            f"an RPO of {span_text(policy.rpo)} does not wait for the window {window}, which stays closed for"
            f" {span_text(apart)}: runs are taken outside it, too",
            f"{way}, or ask for rpo: {span_text(days)}.",
        )


def _longest(spans: Sequence[Interval]) -> timedelta:
    """The longest time between the end of one and the begin of the next."""
    return max((begin - end for (_, end), (begin, _) in pairwise(spans)), default=timedelta(0))
