"""The durable runtime behind the port `Workflows`: DBOS, pinned, with the settings that its traps ask for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

from backstay.domain.secrets import Secret
from backstay.ports.workflows import WorkState

from .backup import BackupFlow
from .codec import RecordCodec
from .records import Admitted, Copied, Ended, Prepared, Ticket

SCHEMA = "backup-1"
"""Pinned application version: changed only when stored steps can no longer be replayed, and never by an upgrade."""

QUEUE = "runs"
POLL_S = 0.05
RECOVERY_TRIES = 4
"""A run that takes the program down with it is given up after so many starts (the runtime's own limit is 100)."""

OPEN_STATES = ["ENQUEUED", "DELAYED", "PENDING"]
GIVEN_UP = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"


class DurableWorkflows:
    """Executes backups durably in this process.

    One per process, and only while the executor's lock is held: two executors of one name run the same step twice.
    `address` is the runtime's own database; `executor` a name that stays the same across restarts.
    """

    def __init__(self, flow: BackupFlow, address: str | Secret, executor: str, lanes: int) -> None:
        _quiet()
        self._executor = executor
        DBOS.destroy(destroy_registry=True)
        DBOS(
            config={
                "name": "backstay",
                "system_database_url": address.reveal() if isinstance(address, Secret) else address,
                "application_version": SCHEMA,
                "executor_id": executor,
                "serializer": RecordCodec(),
                "dbos_system_schema": "backstay_durable",
                "log_level": "CRITICAL",
                "enable_otlp": False,
            }
        )
        self._hands = _Hands()
        self._backup = _registered(flow, self._hands)
        DBOS.listen_queues([QUEUE])
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=lanes, polling_interval_sec=POLL_S, on_conflict="always_update")

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

    def failure(self, run_id: str) -> str | None:
        found = DBOS.list_workflows(workflow_ids=[run_id], load_input=False)
        if not found or found[0].status in OPEN_STATES:
            return None
        if found[0].status == GIVEN_UP:
            return f"the program died {RECOVERY_TRIES + 1} times in the middle of this run, and it was given up"
        return f"a bug of our own stopped this run ({found[0].error})"

    def close(self) -> None:
        # The runtime does not wait for its threads: whoever holds the executor's lock next would do their work twice.
        self._hands.wait()
        DBOS.destroy(destroy_registry=True)


class _Hands:
    """The runs that are being executed, counted."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._full = 0

    def __enter__(self) -> None:
        with self._changed:
            self._full += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._full -= 1
            self._changed.notify_all()

    def wait(self) -> None:
        """Until they are empty."""
        with self._changed:
            self._changed.wait_for(lambda: not self._full)


def _registered(flow: BackupFlow, hands: _Hands):  # type: ignore[no-untyped-def]  # the runtime's decorated type is its own
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
