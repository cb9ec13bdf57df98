"""What an estate's jobs share: hosts, links, targets and pools as resources, and which of them a job needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import inf
from zoneinfo import ZoneInfo

from backstay.domain.estate import Estate, Link, Pool, Target, Workload

from .calendar.windows import link_steps
from .night.model import Resource

HOST_SLOTS = 2
TARGET_SLOTS = 3
"""Jobs at a time where the file says nothing: few enough for a spinning disk, enough to fill a link."""

HOST_LOSS, TARGET_LOSS = 0.15, 0.01
"""Throughput lost per stream beyond the slots: between a spinning and a solid disk for hosts."""


def resources_of(estate: Estate, now: datetime, until: datetime) -> dict[str, Resource]:
    """Every resource by its key, with what links carry at `now` and until `until`."""
    return {resource.key: resource for resource in _resources(estate, now, until)}


def way_of(estate: Estate, workload: Workload, target: Target) -> tuple[str, ...]:
    """The keys of what a job from this workload to this target needs: its host, links, the target, and its pools."""
    return tuple(dict.fromkeys((*out_of(estate, workload), *into(estate, workload, target))))


def out_of(estate: Estate, workload: Workload) -> tuple[str, ...]:
    """The keys of what the workload's bytes cross until they are here: its host, and links to it."""
    return (host_key(workload.host), *_links(estate, workload.host))


def into(estate: Estate, workload: Workload, target: Target) -> tuple[str, ...]:
    """The keys of what they cross from here on: links to the target, the target, and the workload's pools."""
    pools = (f"pool:{pool.name}" for pool in estate.pools.values() if workload.kind in pool.kinds)
    return (*_links(estate, target.name), f"target:{target.name}", *pools)


def _links(estate: Estate, end: str | None) -> tuple[str, ...]:
    return tuple(f"link:{link.name}" for link in estate.links.values() if end in link.reaches)


def host_key(name: str | None) -> str:
    """The key of a host; None is this machine."""
    return f"host:{name}" if name else "host:this machine"


def is_host(key: str) -> bool:
    """Whether a resource is a host, this machine or another."""
    return key.startswith("host:")


def narrowest(estate: Estate, host: str) -> Link | None:
    """The link to a host that carries least; None where the estate file names none."""
    links = (link for link in estate.links.values() if host in link.reaches)
    return min(links, key=lambda link: link.capacity, default=None)


def told(key: str) -> str:
    """A resource's name as people say it.

    >>> told("link:wan"), told("host:this machine"), told("path")
    ('link wan', 'this machine', 'the longest chain of jobs')
    """
    kind, _, name = key.partition(":")
    return "the longest chain of jobs" if key == "path" else name if name == "this machine" else f"{kind} {name}"


def _resources(estate: Estate, now: datetime, until: datetime) -> Iterator[Resource]:
    here = estate.here
    yield Resource(host_key(None), "host", here.read or inf, here.slots or HOST_SLOTS, loss=HOST_LOSS)
    for host in estate.hosts.values():
        yield Resource(host_key(host.name), "host", host.read or inf, host.slots or HOST_SLOTS, loss=HOST_LOSS)
    for link in estate.links.values():
        yield _link(estate, link, now, until)
    for target in estate.targets.values():
        slots = target.slots or TARGET_SLOTS
        yield Resource(f"target:{target.name}", "target", target.write or inf, slots, loss=TARGET_LOSS)
    for pool in estate.pools.values():
        yield Resource(f"pool:{pool.name}", "pool", slots=_places(pool))


def _link(estate: Estate, link: Link, now: datetime, until: datetime) -> Resource:
    part = 1 - link.leave
    steps = link_steps(link, ZoneInfo(estate.timezone), now, until)
    (_, first), *later = steps or ((0.0, float(link.capacity)),)
    return Resource(
        f"link:{link.name}",
        "link",
        first * part,
        steps=tuple((at_s, capacity * part) for at_s, capacity in later),
        share=estate.job_share,
    )


def _places(pool: Pool) -> int:
    """Jobs at a time: so many batches of so many. A batch does not wait for its slowest member to begin the next."""
    return pool.slots * (pool.batch or 1)


Resources = Mapping[str, Resource]
