"""`serve`: the scheduler as a process that stays."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from backstay.domain.errors import Refused
from backstay.planning.calendar.agenda import Agenda, Calendars
from backstay.planning.foresight import entries_of
from backstay.planning.plan import plan_due

from .executing import Executor, executor
from .rereading import Rereading, asked_by_hangup
from .runs import requested
from .standing import standings
from .watching import Say, Watch
from .wiring import Opened

LOOK_S = 0.5
"""Between two looks at the clock: a run starts so late at most, whatever is set or wakes up meanwhile."""


def serve(house: Opened, watch: Watch) -> None:
    """Take restore points as they become due, until told to end.

    Holds the estate all the time: what others ask for with `run` is done here, and they follow it. The estate file is
    read anew when it changes and on SIGHUP; runs that were begun before end by the file that they were begun under.
    Raises: Refused if another program holds it.
    """
    if not house.lock.try_acquire():
        holder = house.lock.holder()
        who = f": pid {holder.pid}, {holder.command}" if holder else ""
        raise Refused(f"another program works on this estate{who}", hint="Stop it, or wait until it has ended.")
    try:
        rereading = Rereading(house, watch)
        with executor(house, watch) as hands, asked_by_hangup(rereading):
            scheduler = Scheduler(house, hands, watch.say)
            while True:
                if changed := rereading.changed():
                    hands.follow(changed)
                    scheduler.follow(changed)
                scheduler.turn()
    finally:
        house.lock.release()


class Scheduler:
    """Asks the agenda what is due, asks for these runs, and tells it how they ended."""

    def __init__(self, house: Opened, hands: Executor, say: Say | None = None) -> None:
        self._house = house
        self._hands = hands
        self._say = say
        self._calendars = Calendars(house.estate, ZoneInfo(house.estate.timezone))
        self._ours: dict[str, str] = {}
        self._seen = self._open()
        self._agenda = self._begun()

    def follow(self, house: Opened) -> None:
        """Another estate file is in force: what is due is asked anew."""
        self._take_note()
        self._house = house
        self._calendars = Calendars(house.estate, ZoneInfo(house.estate.timezone))
        self._agenda = self._begun()

    def turn(self) -> None:
        """One look at the clock and at the runs."""
        self._take_note()
        clock = self._house.clock
        if due := self._agenda.tick(clock.now(), clock.elapsed()):
            plan = plan_due(self._house.estate, standings(self._house), due, clock.now())
            self._ours |= {run.run_id: run.workload for run in requested(self._house, plan.jobs)}
        self._hands.turn(LOOK_S)

    def _take_note(self) -> None:
        """Tell the agenda which of its runs have ended. One that somebody else asked for changes what is due, too."""
        still = self._open()
        ended, self._seen = self._seen - still, still
        foreign = ended - self._ours.keys()
        for run_id in sorted(self._ours.keys() - still):
            self._ended(run_id, self._ours.pop(run_id))
        if foreign:
            self._agenda = self._begun()

    def _ended(self, run_id: str, workload: str) -> None:
        catalog, clock = self._house.catalog, self._house.clock
        run = catalog.run(run_id)
        if run and run.error and self._say:
            hint = f" {run.error.hint}" if run.error.hint else ""
            self._say(f"{workload}: {run.error.message}.{hint} More: backstay log {run_id}")
        point = catalog.point_of_run(run_id)
        as_of = point.as_of if point and point.counts else None
        self._agenda.ended(workload, as_of, clock.now(), clock.elapsed())

    def _begun(self) -> Agenda:
        """From the records alone, as after a crash: what is under way already is not due."""
        active = {each.name for each in self._house.estate.workloads.values() if each.exempt is None}
        # One for each workload, as the agenda has it: of two to different targets the other is somebody else's.
        running = {run.workload: run.run_id for run in self._house.catalog.runs(open_only=True)}
        self._ours = {run_id: workload for workload, run_id in running.items() if workload in active}
        clock = self._house.clock
        entries = entries_of(standings(self._house), tuple(running))
        return Agenda(entries, self._calendars, clock.now(), clock.elapsed())

    def _open(self) -> set[str]:
        return {run.run_id for run in self._house.catalog.runs(open_only=True)}
