"""The durable runtime behind the port `Workflows`: DBOS, pinned, with the settings that its traps ask for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime

from dbos import DBOS, DBOSClient, SetEnqueueOptions, SetWorkflowID

from backstay.domain.errors import BackstayError, InvariantBroken
from backstay.domain.secrets import Secret
from backstay.ports.workflows import WorkState

from .codec import RecordCodec
from .following import FollowingFlow
from .records import Admitted, Copied, Ended, Prepared, Ticket

SCHEMA = "backup-1"
"""Pinned application version: changed only when stored steps can no longer be replayed, and never by an upgrade."""

APPLICATION = "backstay"
TABLES = "backstay_durable"
QUEUE = "runs"

AT_ONCE = 60
"""Runs in hand at a time, at most; the runtime's own threads are a few more."""

POLL_S = 0.1
"""Between two looks of the runtime at its queue; a run waits for half of this on average. A look costs about
1.3 ms of processor time on SQLite (threads' own time, 20 s, 2 cores): 1.3 % of one core."""

LEAVE_S = 0.05
"""How long closing may wait for the runtime's listener, which sleeps so long at a time (its own default is 1 s)."""

RECOVERY_TRIES = 4
"""A run that takes the program down with it is given up after so many starts (the runtime's own limit is 100)."""

OPEN_STATES = ["ENQUEUED", "DELAYED", "PENDING"]
GIVEN_UP = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"


class DurableWorkflows:
    """Executes backups durably in this process.

    One per process, and only while the executor's lock is held: two executors of one name run the same step twice.
    `address` is the runtime's own database; `executor` a name that stays the same across restarts. Everything that is
    submitted is executed at once: whoever submits has seen to it that there is room.
    """

    def __init__(self, flow: FollowingFlow, address: str | Secret, executor: str) -> None:
        _quiet()
        self._executor = executor
        url = address.reveal() if isinstance(address, Secret) else address
        DBOS.destroy(destroy_registry=True)
        _open_queue(url)
        DBOS(
            config={
                "name": APPLICATION,
                "system_database_url": url,
                "application_version": SCHEMA,
                "executor_id": executor,
                "serializer": RecordCodec(),
                "dbos_system_schema": TABLES,
                "notification_listener_polling_interval_sec": LEAVE_S,
                "log_level": "CRITICAL",
                "enable_otlp": False,
            }
        )
        self._hands = _Hands()
        self._backup = _registered(flow, self._hands)
        DBOS.listen_queues([QUEUE])
        DBOS.launch()

    def submit(self, run_ids: Sequence[str]) -> None:
        for place, run_id in enumerate(run_ids, start=1):
            # The priority keeps a job behind what it waits for, even if the clock is set back in between.
            with SetWorkflowID(run_id), SetEnqueueOptions(priority=place):
                DBOS.enqueue_workflow(QUEUE, self._backup, Ticket(run_id))

    def recover(self) -> int:
        # The one private call: the public package offers none (docs/decisions/durable-runtime.md).
        return len(DBOS._recover_pending_workflows([self._executor]))

    def prune(self, before: datetime) -> int:
        old = DBOS.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED", GIVEN_UP],
            completed_before=before.isoformat(),
            load_input=False,
            load_output=False,
        )
        DBOS.delete_workflows([workflow.workflow_id for workflow in old])
        return len(old)

    def status(self, run_id: str) -> WorkState:
        found = DBOS.list_workflows(workflow_ids=[run_id], load_input=False, load_output=False)
        if not found:
            return "unknown"
        state = found[0].status
        return "running" if state == "PENDING" else "waiting" if state in OPEN_STATES else "ended"

    def wait(self, seconds: float) -> None:
        self._hands.wait_for_one(seconds)

    def failure(self, run_id: str) -> BackstayError | None:
        found = DBOS.list_workflows(workflow_ids=[run_id], load_input=False)
        if not found or found[0].status in OPEN_STATES:
            return None
        if found[0].status == GIVEN_UP:
            message = f"the program died {RECOVERY_TRIES + 1} times in the middle of this run, and it was given up"
        elif isinstance(found[0].error, BackstayError):
            return found[0].error
        else:
            message = f"a bug of our own stopped this run ({found[0].error})"
        hint = f"See backstay log {run_id}; the next backstay run takes a new one."
        return InvariantBroken(message, subject=run_id, hint=hint)

    def close(self) -> None:
        # The runtime does not wait for its threads: whoever holds the executor's lock next would do their work twice.
        self._hands.wait()
        DBOS.destroy(destroy_registry=True)


class _Hands:
    """The runs that are being executed, counted."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._full = 0
        self._put_down = self._noticed = 0

    def __enter__(self) -> None:
        with self._changed:
            self._full += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._full -= 1
            self._put_down += 1
            self._changed.notify_all()

    def wait(self) -> None:
        """Until they are empty."""
        with self._changed:
            self._changed.wait_for(lambda: not self._full)

    def wait_for_one(self, seconds: float) -> None:
        """Until one has been put down since the last call was over, for so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._put_down > self._noticed, seconds)
            self._noticed = self._put_down


def _open_queue(url: str) -> None:
    """Write the queue down before the launch: later, the runtime would find it only after a second."""
    DBOS.migrate(url, schema=TABLES)
    client = DBOSClient(
        system_database_url=url, dbos_system_schema=TABLES, application_name=APPLICATION, serializer=RecordCodec()
    )
    try:
        client.register_queue(
            QUEUE, worker_concurrency=AT_ONCE, polling_interval_sec=POLL_S, on_conflict="always_update"
        )
    finally:
        client.destroy()


def _registered(flow: FollowingFlow, hands: _Hands):  # type: ignore[no-untyped-def]  # the runtime's decorated type is its own
    """The workflow and its steps under names that stay. The body reads no clock, file or random number."""

    @DBOS.step(name="admit")
    def admit(ticket: Ticket) -> Admitted:
        return flow.admit(ticket)

    @DBOS.step(name="prepare")
    def prepare(admitted: Admitted) -> Prepared:
        return flow.prepare(admitted)

    @DBOS.step(name="copy")
    def copy(prepared: Prepared) -> Copied:
        return flow.copy(prepared)

    @DBOS.step(name="finish")
    def finish(copied: Copied) -> Ended:
        return flow.finish(copied)

    @DBOS.workflow(name="backup", max_recovery_attempts=RECOVERY_TRIES)
    def backup(ticket: Ticket) -> Ended:
        with hands:
            return finish(copy(prepare(admit(ticket))))

    return backup


def _quiet() -> None:
    """The runtime prints banners and stack traces of its own; ours are the run's log and the error documents."""
    logger = logging.getLogger("dbos")
    logger.handlers = [logging.NullHandler()]
    logger.propagate = False
