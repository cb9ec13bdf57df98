"""A plan made better by playing its order with one job elsewhere, again and again, and keeping what loses no more."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from .figures import Figures
from .holding import Job
from .inserting import insert_left_over
from .orders import Order, arranged
from .outcome import Losses, losses
from .reserving import play

SEARCHED = 2_000
"""Up to how many demands the gaps of a night are searched for those that playing left over."""

STRIDES = 0.7548776662466927, 0.5698402909980532
"""What is taken from where, and to where: multiples of these cover all pairs of places evenly, without chance.

Source: M. Roberts, The unreasonable effectiveness of quasirandom sequences (2018): powers of 1 ÷ the plastic number.
"""

URGENT = 4
"""One try of so many puts one in trouble first; the others put any one anywhere."""


@dataclass(frozen=True, slots=True)
class Played:
    """All jobs by place with times, the least part of its need with which each started, and what is lost."""

    jobs: list[Job]
    theta: float
    losses: Losses

    def order(self) -> Order:
        """The order in which it was played."""
        return [job.place for job in sorted(self.jobs, key=lambda job: job.rank)]


def played(figures: Figures, order: Order, theta: float) -> list[Job]:
    """The night in that order, with those that it leaves over put into its gaps."""
    jobs = play(figures, order, theta)
    for place in figures.running:
        _drop_if_too_late(figures, jobs, place)
    if len(jobs) <= SEARCHED and any(job.end is None for job in jobs):
        insert_left_over(figures, jobs)
    return jobs


def _drop_if_too_late(figures: Figures, jobs: list[Job], place: int) -> None:
    """One that ran already, and cannot end before its close, will be stopped: it and those after it have no place."""
    end = jobs[place].end
    if end is None or not figures.demands[place].stop or end <= next(figures.openings(place, 0.0))[1]:
        return
    dropped = [place]
    for one in dropped:
        jobs[one].end = None
        dropped.extend(figures.behind[one])


def bettered(figures: Figures, best: Played, tries: int, enough: Losses) -> Played:
    """The best after so many tries, or once it loses no more than `enough`."""
    turn = 0
    for number in range(tries):
        if best.losses <= enough:
            break
        if number % URGENT == 0:
            order = _with_trouble_first(figures, best, turn)
            turn += 1
        else:
            order = _with_one_elsewhere(figures, best.order(), number)
        jobs = played(figures, order, best.theta)
        now = losses(figures, jobs)
        if now < best.losses:
            turn = 0
        # What is no better may lie on the way to what is.
        if now <= best.losses:
            best = Played(jobs, best.theta, now)
    return best


def _with_one_elsewhere(figures: Figures, order: Order, number: int) -> Order:
    """The order with one job, and so its whole group, at another place."""
    taken, put = (int(len(order) * (number * stride % 1)) for stride in STRIDES)
    group = figures.demands[order[taken]].group
    moved = [place for place in order if place == order[taken] or (group and figures.demands[place].group == group)]
    others = [place for place in order if place not in moved]
    return arranged(figures, [*others[:put], *moved, *others[put:]])


def _with_trouble_first(figures: Figures, best: Played, turn: int) -> Order:
    """The order with one in trouble, and all that it waits for, at its head."""
    ahead = _with_all_before(figures, _in_trouble(figures, best.jobs, turn))
    return arranged(figures, sorted(best.order(), key=lambda place: place not in ahead))


def _in_trouble(figures: Figures, jobs: list[Job], turn: int) -> int:
    """Those without a place, then those that are late, then those that end last: the one whose turn it is."""
    worst_first = sorted(
        jobs,
        key=lambda job: (
            job.end is not None,
            job.end is None or job.end <= figures.demands[job.place].deadline_s,
            -(job.end or 0.0),
            job.place,
        ),
    )
    return worst_first[turn % len(worst_first)].place


def _with_all_before(figures: Figures, place: int) -> Set[int]:
    found = [place]
    for one in found:
        found.extend(figures.before[one])
    return {*found}
