"""Who executes runs: this program if it holds the estate, else the one that does, which is followed."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backstay.domain.errors import Cancelled
from backstay.domain.estate import Estate
from backstay.domain.runs import Run
from backstay.domain.secrets import Secret
from backstay.domain.stopping import Interrupted
from backstay.flows.adapters import Adapters
from backstay.flows.aside import Aside
from backstay.flows.dispatching import Dispatcher, Standings
from backstay.flows.guards import guarded
from backstay.host.lock import Holder
from backstay.host.state import private_file
from backstay.ports.workflows import Workflows

from .probing import probes_of, processors
from .standing import standings
from .watching import Watch
from .wiring import Opened, catalog_address, worlds

if TYPE_CHECKING:
    from backstay.flows.following import FollowingFlow

LOOK_S = 0.5
"""Between two looks for runs that others asked for; that a run has ended is seen at once."""

FOLLOW_S = 0.2
"""Between two looks at what another program does for us."""

CARE_S = 1.0
"""Between two looks for runs that will not reach their end by themselves."""

KEEP = timedelta(days=30)
"""How long the runtime keeps its own rows of runs that have ended."""


def work(house: Opened, watch: Watch, wanted: Sequence[str]) -> None:
    """Until the wanted runs have ended: be the executor if nobody is, else follow the one that is.

    Interrupted by a person, the wanted runs are cancelled; told to end by the machine, they are let go.
    """
    try:
        _until_ended(house, watch, wanted)
    except Interrupted:
        for run_id in wanted:
            house.catalog.request_cancel(run_id)
        raise


def _until_ended(house: Opened, watch: Watch, wanted: Sequence[str]) -> None:
    followed: Holder | None = None
    while _open(house, wanted):
        if house.lock.try_acquire():
            try:
                with executor(house, watch) as hands:
                    hands.execute(wanted)
            finally:
                house.lock.release()
        else:
            followed = _follow(house, watch, wanted, followed)


@dataclass(slots=True)
class Executor:
    """The durable runtime in this process, while it holds the estate."""

    house: Opened
    under: Callable[[Estate], Adapters]
    workflows: Workflows
    flow: FollowingFlow
    dispatcher: Dispatcher
    aside: Aside
    guards: ExitStack
    cared: float = 0.0
    submitted: set[str] = field(default_factory=set)

    def follow(self, house: Opened) -> None:
        """Another estate file is in force: what begins from now on goes by it, what was begun ends by its own."""
        self.guards.close()
        self.house, outside = house, self.under(house.estate)
        self.flow.follow(outside)
        self.dispatcher.follow(outside, _standings_of(house))
        self.guards.enter_context(guarded(outside, probes_of(house)))

    def execute(self, wanted: Sequence[str]) -> None:
        """Execute every open run, whoever asked for it, until the wanted ones have ended.

        What was begun for others is ended too: nobody else may begin it while it is in our hands.
        """
        try:
            while _open(self.house, wanted):
                self.turn()
            while _open(self.house, self.submitted):
                self.turn(begin=False)
        except Interrupted:
            self._cancel(wanted)
            raise

    def turn(self, seconds: float = LOOK_S, *, begin: bool = True) -> None:
        """Let go on what stepped aside, `begin` what may begin now, and wait until something has ended, for so long at
        most."""
        self._submit(begin)
        self._wait(seconds)

    def _submit(self, begin: bool) -> None:
        """Hand over the runs that are admitted now. Those that were admitted before a crash still hold what they took;
        what is in the runtime's hands is what holds slots, unless it stepped aside."""
        known = list(reversed(self.house.catalog.runs(open_only=True)))
        fresh = [run for run in known if run.admitted_at is None] if begin else []
        self._let_go_of_the_late(fresh)
        held = [run for run in known if run.admitted_at is not None and run.run_id not in self.aside]
        begun = [run.run_id for run in held if run.run_id not in self.submitted]
        back = [run for run in known if self.aside.ready(run.run_id)]
        for run in self.dispatcher.admitted([*back, *fresh], held):
            if run.run_id in self.aside:
                self.aside.admit(run.run_id)
            else:
                self.house.catalog.save_run(replace(run, admitted_at=self.house.clock.now()))
                begun.append(run.run_id)
        self.workflows.submit(begun)
        self.submitted.update(begun)

    def _let_go_of_the_late(self, waiting: Sequence[Run]) -> None:
        """Nothing starts after its window has closed; it is due again when the next one opens."""
        for run in waiting:
            if run.start_by is not None and self.house.clock.now() >= run.start_by:
                self.flow.skip(run.run_id, "its window closed before it could start")

    def _wait(self, seconds: float) -> None:
        self.workflows.wait(seconds)
        if self.house.clock.elapsed() - self.cared >= CARE_S:
            self.cared = self.house.clock.elapsed()
            self._care()

    def _care(self) -> None:
        """End what the runtime gave up, and what is cancelled while it still waits for its turn."""
        for run_id in [run.run_id for run in self.house.catalog.runs(open_only=True)]:
            if failure := self.workflows.failure(run_id):
                self.flow.abandon(run_id, failure)
            elif self.house.catalog.cancel_requested(run_id) and self.workflows.status(run_id) in (
                "unknown",
                "waiting",
            ):
                self.flow.abandon(run_id, Cancelled("stopped by request", subject=run_id))

    def _cancel(self, wanted: Sequence[str]) -> None:
        for run_id in wanted:
            self.house.catalog.request_cancel(run_id)
        while _open(self.house, wanted):
            self._care()
            self.workflows.wait(LOOK_S)


@contextmanager
def executor(house: Opened, watch: Watch) -> Iterator[Executor]:
    """What died with an earlier program is cleared away before anything runs; when left, nothing is in hand."""
    # The runtime takes half a second to import; commands that only show never pay for it.
    from backstay.flows.backup import BackupFlow
    from backstay.flows.durable import DurableWorkflows
    from backstay.flows.following import FollowingFlow

    under = worlds(house, watch)
    outside, aside = under(house.estate), Aside()
    flow = FollowingFlow(BackupFlow(outside, aside))
    sweep_all(house)
    workflows = DurableWorkflows(flow, durable_address(house), _executor_name(house))
    dispatcher = Dispatcher(outside, _standings_of(house), processors())
    try:
        workflows.prune(house.clock.now() - KEEP)
        with ExitStack() as guards:
            guards.enter_context(guarded(outside, probes_of(house)))
            yield Executor(house, under, workflows, flow, dispatcher, aside, guards)
    finally:
        watch.leaving.set()
        workflows.close()
        watch.leaving.clear()


def _standings_of(house: Opened) -> Standings:
    return lambda: {stand.workload.name: stand for stand in standings(house)}


def sweep_all(house: Opened) -> None:
    """Clear away what dead programs left. Only for the holder of the estate: nobody else is staging anything."""
    sweep(house)
    shutil.rmtree(house.state / "work", ignore_errors=True)


def sweep(house: Opened) -> None:
    """End processes and remove folders that dead programs of this state folder left."""
    from backstay.host.places import ScratchPlaces
    from backstay.host.processes import Processes

    Processes(house.secrets, house.clock, str(house.state)).sweep()
    ScratchPlaces(str(house.state)).sweep()


def durable_address(house: Opened) -> str | Secret:
    """The runtime's own database: beside the catalog, or in the same PostgreSQL."""
    if house.estate.catalog == "sqlite":
        # Made here first: SQLite would let everybody read it.
        return f"sqlite:///{private_file(str(house.state), 'workflows.db')}"
    return catalog_address(house.estate, house.state, house.secrets)


def _executor_name(house: Opened) -> str:
    return f"{socket.gethostname()}:{house.state}"


def _follow(house: Opened, watch: Watch, wanted: Sequence[str], followed: Holder | None) -> Holder | None:
    """Show what another program is doing for us; who that is, said once."""
    holder = house.lock.holder()
    if holder and holder != followed and watch.say:
        since = holder.since.astimezone(ZoneInfo(house.estate.timezone))
        watch.say(f"another program works on this estate: pid {holder.pid}, since {since:%H:%M:%S %Z}")
        watch.say(f"  {holder.command}; it is waited for, and if it ends the work goes on here")
    for run in house.catalog.runs(open_only=True):
        progress = house.catalog.progress(run.run_id) if run.run_id in wanted else None
        if progress and watch.show:
            watch.show(run.workload, progress.phase, progress.done, progress.total)
    house.clock.sleep(FOLLOW_S)
    return holder or followed


def _open(house: Opened, wanted: Sequence[str] | set[str]) -> list[str]:
    still = {run.run_id for run in house.catalog.runs(open_only=True)}
    return [run_id for run_id in wanted if run_id in still]
