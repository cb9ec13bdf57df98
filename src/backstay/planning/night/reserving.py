"""A night played forward: each job starts when all that it uses has a slot and enough rate for it, in a given order.

What a job has been given is never taken for another's sake, so nothing has to be solved anew when one starts or ends;
what comes free goes first to those that run short. Only a capacity that falls, or a share while others wait, cuts.

While a job prepares, nothing moves; its rate is promised, and those that are about to end (within the night's mean time
of preparation) count as gone, so that the next one has prepared when they end. What must end by a close of its interval
is different: it holds its rate from the start, and no cut takes that away.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from .figures import Figures
from .holding import Job, Shared
from .rates import ENDED, PREPARED, READY, SHORT, STEPPED, Rates

WINDOW = -1
"""What a job waits for that is not yet in its interval."""


def play(figures: Figures, order: Sequence[int], theta: float) -> list[Job]:
    """All jobs by place, with times and rates; those who come earlier in `order` go first.

    A job starts with `theta` of its need or more. Those that no interval has room for, and whoever waits for them, get
    no end. What a job waited for is a resource's number, `WINDOW`, or after the resources a job's place.
    """
    return _Night(figures, order, theta).played()


class _Night(Rates):
    """All jobs and resources, and what happens next."""

    def __init__(self, figures: Figures, order: Sequence[int], theta: float) -> None:
        pairs = zip(figures.resources, figures.supplies, strict=True)
        shared = [Shared(number, resource, supply) for number, (resource, supply) in enumerate(pairs)]
        # Many jobs take the same way: one tuple for all of them.
        ways = [
            (tuple(shared[at] for at in way.rated), tuple(shared[at] for at in way.slotted)) for way in figures.ways
        ]
        ranked = [Job(figures, place, rank, *ways[figures.way[place]]) for rank, place in enumerate(order)]
        super().__init__(figures, ranked)
        self.shared, self.theta = shared, theta
        self.jobs = [*ranked]
        for job in ranked:
            self.jobs[job.place] = job
        self.fresh: list[int] = []

    def played(self) -> list[Job]:
        """From the first moment to the last."""
        self._prepare()
        events, ranked = self.events, self.ranked
        now = 0.0
        while True:
            while events and events[0][0] <= now:
                _, what, rank, version = heappop(events)
                if what == STEPPED:
                    self._step(self.shared[rank], version, now)
                    continue
                job = ranked[rank]
                if what == PREPARED:
                    self._flow(job, now)
                elif what == READY:
                    self._ready(job, now)
                elif version == job.version:
                    (self._end if what == ENDED else self._about_to_end)(job, now)
            if self.freed:
                self.top_up(now)
            if self.touched or self.fresh:
                self._admit(now)
            if self.freed:
                # Those with shares gave way to somebody who then did not need all of it.
                self.top_up(now)
            if not events:
                return self.jobs
            now = events[0][0]

    def _prepare(self) -> None:
        for at in self.shared:
            self.events.extend((since, STEPPED, at.number, turn) for turn, since in enumerate(at.supply.times) if turn)
        running = [self.jobs[place] for place in self.figures.running]
        # Those that run hold their slots already, even where there are fewer by now.
        for job in sorted(running, key=lambda job: job.rank):
            if next(self.figures.openings(job.place, 0.0), None):
                rate = job.could_have()[0]
                certain = self._firm_rate(job, 0.0, rate) if job.firm else 0.0
                # What cannot be sure of its end goes on as the others do; it may still end in time.
                job.firm = certain > 0
                self._start(job, 0.0, certain or rate)
        for job in self.jobs:
            if job.missing == 0 and job.place not in self.figures.running:
                if job.release > 0:
                    self.events.append((job.release, READY, job.rank, 0))
                else:
                    self._ready(job, 0.0)
        heapify(self.events)

    # --- what happens ---

    def _ready(self, job: Job, now: float) -> None:
        if not job.narrow or self._is_open(job, now):
            self.fresh.append(job.rank)

    def _is_open(self, job: Job, now: float) -> bool:
        """Whether it may start now; otherwise it is told when it may, if ever."""
        fit = self.figures.first_fit(job.place, now)
        if fit is not None and fit[0] > now:
            job.waited(WINDOW, fit[0] - now)
            heappush(self.events, (fit[0], READY, job.rank, 0))
        return fit is not None and fit[0] <= now

    def _end(self, job: Job, now: float) -> None:
        job.end, job.short_of = now, None
        self.let_go(job, now)
        for at in job.slotted:
            at.slots += 1
            self.touch(at)
        for place in job.behind:
            self._one_less(self.jobs[place], job, now)

    def _one_less(self, job: Job, before: Job, now: float) -> None:
        """One that it waited for has ended."""
        job.missing -= 1
        if job.missing == 0:
            job.waited(len(self.shared) + before.place, now - job.release)
            heappush(self.events, (max(now, job.release), READY, job.rank, 0))

    def _step(self, at: Shared, turn: int, now: float) -> None:
        """A capacity changes. What is too much is taken from all in proportion, except from what must end in time."""
        at.widen(at.supply.rates[turn])
        self.touch(at)
        if at.spare >= 0:
            for job in at.cuttable():
                self.cut_by(job, at)
            self.free(at)
            return
        loose = at.capacity - at.spare - at.firm
        kept = max(0.0, at.capacity - at.firm) / loose if loose > 0 else 0.0
        for job in at.cuttable():
            self.change(job, now, job.floor + (job.rate - job.floor) * kept)
            self.cut_by(job, at)

    def _about_to_end(self, job: Job, now: float) -> None:
        """The next one may prepare, unless what comes free is for one that runs short and is more urgent."""
        left = job.left - job.rate * (now - job.since)
        heappush(self.events, (now + max(0.0, left) / job.rate, ENDED, job.rank, job.version))
        for at in job.rated:
            if at.short and self.is_short(at):
                return
        job.about_to_end = True
        for at in job.rated:
            at.owed -= job.rate
            if at.waiting:
                self.touch(at)

    # --- one job ---

    def _room(self, job: Job, now: float) -> tuple[float | None, Shared | None]:
        """The rate to start it with, or None and what is in the way.

        None twice if its interval is closed: then it is told when it opens.
        """
        for at in job.slotted:
            if at.slots < 1:
                return None, at
        if job.narrow and not self._is_open(job, now):
            return None, None
        rate, tight = job.offer(self.theta)
        if tight is not None and tight.share < 1 and rate < SHORT * job.need() and self.squeeze(tight, now):
            rate, tight = job.offer(self.theta)
        if rate > 0 and job.firm and tight is not None:
            rate = self._firm_rate(job, now, rate)
        return (None, tight) if rate <= 0 and tight is not None else (rate, None)

    def _firm_rate(self, job: Job, now: float, rate: float) -> float:
        """The rate that it can keep to its end before the close whatever steps come, or zero."""
        _, close = next(self.figures.openings(job.place, now))
        while rate > 0:
            end = now + job.prep + job.left / rate
            low = min((at.supply.lowest(now, end) - at.firm for at in job.rated if at.supply.steps), default=rate)
            if low >= rate:
                return rate if end <= close else 0.0
            rate = low
        return 0.0

    def _start(self, job: Job, now: float, rate: float) -> None:
        job.start = now
        for at in job.slotted:
            at.slots -= 1
        if job.firm:
            self._hold(job, rate)
        else:
            job.pledge = rate
            for at in job.rated:
                at.owed += rate
        if job.left <= 0:
            job.rates.append((now, 0.0))
            heappush(self.events, (now + job.prep, ENDED, job.rank, job.version))
        elif job.prep > 0:
            job.rates.append((now, 0.0))
            heappush(self.events, (now + job.prep, PREPARED, job.rank, 0))
        else:
            self._flow(job, now)

    def _hold(self, job: Job, rate: float) -> None:
        """Keep what no cut may take; it counts as used from the start."""
        job.floor = job.held = rate
        for at in job.rated:
            at.firm += rate
            at.take(rate)

    def _flow(self, job: Job, now: float) -> None:
        """Its preparation is over: it takes what was promised, or what there is of it."""
        for at in job.rated:
            at.owed -= job.pledge
            if at.flows is not None:
                at.flows[job.rank] = job
        job.since = now
        if job.firm:
            self.change(job, now, job.floor)
            return
        rate, tight = job.could_have()
        if tight is not None and rate < job.pledge * SHORT and self.squeeze(tight, now):
            rate, tight = job.could_have()
        self.change(job, now, rate)
        if tight is not None and rate < SHORT * job.most():
            self.note_short(job, tight)

    # --- those that wait ---

    def _admit(self, now: float) -> None:
        """Start who can start, the most urgent first. Nobody passes one that waits for the same resource."""
        fresh, ranked = self.fresh, self.ranked
        fresh.sort(reverse=True)
        live = [at for at in self.touched if at.waiting and at.slots >= 1]
        for at in self.touched:
            at.touched = False
        self.touched.clear()
        while live or fresh:
            best, source = (fresh[-1], None) if fresh else (len(ranked), None)
            for at in live:
                if at.waiting and at.waiting[0] < best:
                    best, source = at.waiting[0], at
            if best == len(ranked):
                return
            rate, wall = self._room(ranked[best], now)
            if wall in live:
                live.remove(wall)
            if source is None:
                fresh.pop()
            elif wall is source:
                continue
            else:
                heappop(source.waiting)
                ranked[best].waited(source.number, now - ranked[best].parked_since)
            if wall is not None:
                heappush(wall.waiting, best)
                ranked[best].parked_since = now
            elif rate is not None:
                self._start(ranked[best], now, rate)
