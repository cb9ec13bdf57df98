"""What each resource carries at this moment: what the estate file says for this hour, less what production needs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from backstay.domain.estate import Estate
from backstay.planning.live.kneeguard import State
from backstay.planning.network import HOST_SLOTS, TARGET_SLOTS, host_key, resources_of
from backstay.planning.night.model import Resource
from backstay.ports.clock import Clock

_AHEAD = timedelta(days=1)
_LOOK_S = 5.0
"""Between two looks at the calendar: a link's hour begins so late at most."""

_CLOSED = 1000.0
"""Bytes a second on a link that closes under runs: nothing to anybody else, and no engine takes its target for dead."""


class Limits:
    """Capacities by resource, in bytes per second; asked many times a second."""

    def __init__(self, estate: Estate, clock: Clock) -> None:
        self._estate = estate
        self._clock = clock
        self._lock = threading.Lock()
        self._parts: dict[str, float] = {}
        self._streams: dict[str, State] = {}
        self._seen_at = float("-inf")
        self._resources: Mapping[str, Resource] = {}

    def follow(self, estate: Estate) -> None:
        """Another estate file is in force. What it does not name any more stays as it was: runs may still use it."""
        with self._lock:
            self._estate = estate
            self._seen_at = float("-inf")
            learned = self.learned()
            self._streams = {key: streams for key, streams in self._streams.items() if key in learned}

    def __call__(self) -> Mapping[str, float]:
        return {key: each.capacity * self._parts.get(key, 1.0) or _CLOSED for key, each in self.resources().items()}

    def resources(self) -> Mapping[str, Resource]:
        """As the estate file has them from this hour on."""
        with self._lock:
            if self._clock.elapsed() - self._seen_at >= _LOOK_S:
                self._seen_at = self._clock.elapsed()
                now = self._clock.now()
                self._resources = {**self._resources, **resources_of(self._estate, now, now + _AHEAD)}
            resources, streams = self._resources, self._streams
        return {
            key: replace(each, slots=streams[key].limit) if key in streams else each for key, each in resources.items()
        }

    def learned(self) -> dict[str, int]:
        """Hosts and targets whose slots nobody set, with what each begins with."""
        estate = self._estate
        hosts = {host_key(host.name): HOST_SLOTS for host in estate.hosts.values() if not host.slots}
        if not estate.here.slots:
            hosts[host_key(None)] = HOST_SLOTS
        targets = {f"target:{target.name}": TARGET_SLOTS for target in estate.targets.values() if not target.slots}
        return hosts | targets

    def allow(self, key: str, streams: State) -> None:
        """From now on so many jobs at a time as were learned to be right."""
        self._streams[key] = streams

    def streams(self) -> Mapping[str, State]:
        """What was learned until now, of those that anything was learned of."""
        return dict(self._streams)

    def leave(self, key: str, part: float) -> None:
        """From now on only this part of a resource is ours."""
        self._parts[key] = part
