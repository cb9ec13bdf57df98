"""What is left to production: round trips on each link, streams on each host and target, looked at while jobs run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from backstay.domain.errors import BackstayError
from backstay.domain.estate import Workload
from backstay.planning.live import kneeguard
from backstay.planning.live.yielding import Yielding, yielded
from backstay.planning.network import host_key, way_of
from backstay.ports.machine import Machine
from backstay.ports.probe import Probe

from .adapters import Adapters

TURN_S = 0.1
"""Between two looks at who takes what."""

BUSY_S, IDLE_S = 0.1, 1.0
"""Between two round trips on a link, and between two looks whether a run crosses it."""

URGENT_S = 0.02
"""Before the next one when one was too long: production is waiting."""

LOST_S = 5.0
"""Before a host that did not answer is asked again."""

Probes = Mapping[str, Probe]
"""By resource; None of them is needed."""


@contextmanager
def guarded(adapters: Adapters, probes: Probes) -> Iterator[None]:
    """Rates, links and streams are looked after, each by a thread of its own, while the context is open."""
    ended = threading.Event()
    work: dict[str, Callable[[threading.Event], None]] = {
        "rates": _Rates(adapters).work,
        "streams": _Streams(adapters, probes).work,
    }
    for link in adapters.estate.links:
        work[f"link {link}"] = LinkGuard(adapters, link).work
    with ExitStack() as stack:
        for name, loop in work.items():
            thread = threading.Thread(target=loop, args=(ended,), name=name, daemon=True)
            thread.start()
            stack.callback(thread.join)
        stack.callback(ended.set)
        yield


class _Rates:
    def __init__(self, adapters: Adapters) -> None:
        self._traffic = adapters.traffic

    def work(self, ended: threading.Event) -> None:
        while not ended.wait(TURN_S):
            self._traffic.turn()


class LinkGuard:
    """One link: round trips to a host behind it say how much of it is ours."""

    def __init__(self, adapters: Adapters, link: str) -> None:
        self._with = adapters
        self._key = f"link:{link}"
        self._state = Yielding()
        self._machine: Machine | None = None
        self._looked = float("-inf")

    def work(self, ended: threading.Event) -> None:
        """Without a host behind it that answers, the link is filled as far as the estate file allows."""
        wait = 0.0
        while not ended.wait(wait):
            wait = self._once()

    def _once(self) -> float:
        """One round trip; how long to wait for the next."""
        if self._with.clock.elapsed() - self._looked >= IDLE_S:
            self._looked, self._machine = self._with.clock.elapsed(), self._asked()
        try:
            round_trip = self._machine.round_trip() if self._machine else None
        except BackstayError:
            return LOST_S  # a host that is away says nothing about its link; its own run tells why
        if round_trip is None:
            return IDLE_S
        before = self._state
        self._state = yielded(before, round_trip, self._with.traffic.used(self._key))
        if self._machine and self._state.tense != before.tense:
            self._machine.give_way(self._state.tense)
        if self._state.part != before.part:
            self._with.limits.leave(self._key, self._state.part)
            self._with.traffic.turn()
        return BUSY_S if round_trip <= self._state.tolerated_s else URGENT_S

    def _asked(self) -> Machine | None:
        """A host whose runs cross the link: one that moves bytes now, else one that will. None while nobody does, so
        that no host is asked for nothing."""
        far = [workload for workload in self._crossing() if self._with.source_site(workload) is not self._with.here]
        busy = (each for each in far if self._with.traffic.granted(host_key(each.host))[0])
        chosen = next(busy, far[0] if far else None)
        return self._with.source_site(chosen).machine if chosen else None

    def _crossing(self) -> list[Workload]:
        """The workloads of open runs that cross the link."""
        estate = self._with.estate
        known = [
            (estate.workloads[run.workload], estate.targets[run.target])
            for run in self._with.catalog.runs(open_only=True)
            if run.workload in estate.workloads and run.target in estate.targets
        ]
        return [workload for workload, target in known if self._key in way_of(estate, workload, target)]


class _Streams:
    """Hosts and targets without slots of their own in the estate file: how many streams they carry is learned."""

    def __init__(self, adapters: Adapters, probes: Probes) -> None:
        self._with = adapters
        self._probes = probes
        learned = adapters.limits.learned()
        self._states = {key: kneeguard.State(limit=start) for key, start in learned.items()}

    def work(self, ended: threading.Event) -> None:
        while not ended.wait(1.0):
            for key, state in self._states.items():
                self._states[key] = self._stepped(key, state)

    def _stepped(self, key: str, state: kneeguard.State) -> kneeguard.State:
        streams, _, taken = self._with.traffic.granted(key)
        if not streams:
            return state
        probe = self._probes.get(key)
        sample = kneeguard.Sample(streams, taken, probe.sample() if probe else None)
        stepped = kneeguard.step(state, sample)
        if stepped.limit > state.limit and streams < state.limit:
            # What was not used says nothing about what more would bring.
            stepped = replace(stepped, limit=state.limit)
        self._with.limits.allow(key, stepped)
        return stepped
