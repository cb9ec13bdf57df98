"""Rates of the jobs of a night while it is played: who is given more, who is cut, and when each will end."""

from __future__ import annotations

from heapq import heappop, heappush

from .figures import Figures
from .holding import DUST, Job, Shared

SHORT = 0.999
"""One with less of what it could have is one that runs short."""

WORTH = 0.1
"""The least part of its rate that a job is given on top: each change is one more command to a gateway."""

ENDED, STEPPED, PREPARED, READY, ENDING = range(5)
"""What happens, in the order in which it counts at one moment."""

Event = tuple[float, int, int, int]
"""When, what, of whom (a rank, or a resource's number), and at which version of its rate (or turn of its steps)."""


class Rates:
    """All jobs by rank, what happens to them next, and the resources that something has come free on."""

    def __init__(self, figures: Figures, ranked: list[Job]) -> None:
        self.figures, self.ranked = figures, ranked
        self.ahead = sum(job.prep for job in ranked) / max(1, len(ranked))
        self.events: list[Event] = []
        self.freed: list[Shared] = []
        self.touched: list[Shared] = []

    def change(self, job: Job, now: float, rate: float) -> None:
        """Another rate from now on."""
        before, more = job.rate, rate - job.held
        if rate <= 0 and before <= 0:
            return
        wanted = False
        for at in job.rated:
            # Shared.take, written out: half a million times a night.
            spare = at.spare - more
            at.spare = spare if spare < at.idle_from else at.capacity
            if at.waiting and at.slots >= 1:
                wanted = True
        if job.about_to_end:
            job.about_to_end = False
            for at in job.rated:
                at.owed += before
        job.left -= before * (now - job.since)
        job.since, job.rate, job.held = now, rate, rate
        job.version += 1
        if job.rates and job.rates[-1][0] == now:
            job.rates.pop()
        if rate > 0:
            job.rates.append((now, rate))
            end = now + job.left / rate if job.left > 0 else now
            soon = end - self.ahead
            if wanted and soon > now:
                heappush(self.events, (soon, ENDING, job.rank, job.version))
            else:
                heappush(self.events, (end, ENDED, job.rank, job.version))
        elif before > 0:
            job.rates.append((now, rate))

    def let_go(self, job: Job, now: float) -> None:
        """It moves no more: what it had is free."""
        held, owed, floor = job.held, job.rate if job.about_to_end else 0.0, job.floor
        job.rate = job.held = 0.0
        if len(job.rates) > 1 and job.rates[-1][0] == now:
            job.rates.pop()
        for at in job.rated:
            spare = at.spare + held
            at.spare = spare if spare < at.idle_from else at.capacity
            at.owed += owed
            at.firm -= floor
            if at.flows is not None:
                at.flows.pop(job.rank, None)
            if not at.touched:
                at.touched = True
                self.touched.append(at)
            if not at.freed:
                at.freed = True
                self.freed.append(at)

    def note_short(self, job: Job, tight: Shared) -> None:
        if job.short_of is None:
            job.short_of = tight
            heappush(tight.short, job.rank)

    def cut_by(self, job: Job, at: Shared) -> None:
        """It is short of this now, whatever it was short of before."""
        if job.short_of is not at:
            job.short_of = at
            heappush(at.short, job.rank)

    def is_short(self, at: Shared) -> bool:
        """Whether the most urgent that runs short is more urgent than whoever waits."""
        while at.short and self.ranked[at.short[0]].short_of is not at:
            heappop(at.short)
        return bool(at.short) and (not at.waiting or at.short[0] < at.waiting[0])

    def top_up(self, now: float) -> None:
        """What has come free goes to those that run short of it, the most urgent first, until it is gone."""
        for at in self.freed:
            at.freed = False
            for _ in range(len(at.short)):
                if at.spare <= DUST * at.capacity:
                    break
                job = self.ranked[heappop(at.short)]
                if job.short_of is not at:
                    continue
                tight = self._raise(job, now)
                if tight is at:
                    heappush(at.short, job.rank)
                    break
                job.short_of = None
                if tight is not None:
                    self.note_short(job, tight)
        self.freed.clear()

    def _raise(self, job: Job, now: float) -> Shared | None:
        """Give it more if there is enough to be worth it; what it is still short of."""
        most, tight = job.could_have()
        if tight is not None and tight.share < 1 and most * (1 + WORTH) < job.need() and self.squeeze(tight, now):
            most, tight = job.could_have()
        if most - job.rate > WORTH * job.rate:
            self.change(job, now, most)
        return tight if tight is not None and job.rate < SHORT * job.most() else None

    def squeeze(self, at: Shared, now: float) -> bool:
        """Bring those with more than their share down to it; whether anyone had more."""
        if at.share >= 1:
            return False
        most = at.share * at.capacity
        over = [job for job in at.cuttable() if job.rate > most * (1 + DUST) and job.rate > job.floor]
        for job in over:
            self.change(job, now, max(most, job.floor))
            self.cut_by(job, at)
        if over:
            self.free(at)
        return bool(over)

    def touch(self, at: Shared) -> None:
        if not at.touched:
            at.touched = True
            self.touched.append(at)

    def free(self, at: Shared) -> None:
        if not at.freed:
            at.freed = True
            self.freed.append(at)
