"""One child process: its group, its signals and its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess  # noqa: TID251 - the Runner is built here
from collections.abc import Mapping, Sequence
from typing import IO, Literal

Input = Literal["nothing", "fed"]
Errors = Literal["apart", "merged"]


class Child:
    """A program in a session and process group of its own.

    Its end is seen through a pidfd, so nobody polls. It is reaped last: until then its number, which is also that of
    the group, cannot be given to anybody else, and a signal to the group hits only what it started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: str | None = None,
        *,
        stdin: Input = "nothing",
        stderr: Errors = "apart",
    ) -> None:
        self.process = subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.PIPE if stdin == "fed" else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if stderr == "merged" else subprocess.PIPE,
            start_new_session=True,
            close_fds=True,
            bufsize=0,
        )
        self.pidfd = os.pidfd_open(self.process.pid)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def stdin(self) -> IO[bytes]:
        """The way to a child that is fed."""
        assert self.process.stdin is not None  # noqa: S101 - for the type checker
        return self.process.stdin

    def status(self) -> int | None:
        """Its exit status, negative for the signal that killed it, or None while it runs. Does not reap it."""
        if self.process.returncode is not None:
            return self.process.returncode
        seen = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        if seen is None:
            return None
        return seen.si_status if seen.si_code == os.CLD_EXITED else -seen.si_status

    def send(self, number: signal.Signals) -> None:
        """To the whole group. Groups that are gone, or became somebody else through sudo, are beyond us."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def ask_to_end(self, number: signal.Signals) -> None:
        """Its own stop signal, and a nudge in case it was paused."""
        self.send(number)
        self.send(signal.SIGCONT)

    def reap(self) -> None:
        """Kill the program and what it left behind in its group, then close its pipes."""
        self.send(signal.SIGKILL)
        self.process.wait()
        os.close(self.pidfd)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
