"""A child's standard input, kept open beyond our own death."""

from __future__ import annotations

import subprocess  # noqa: TID251 - the Runner is built here
from collections.abc import Mapping

from .child import Child


class InputHolder:
    """Lets nobody but us say "this is the end of your input".

    The kernel closes the files of a dying process before it tells its children, so a program fed by a worker that is
    killed would first see its input end, and could take half a dump for a whole one. Another process therefore
    holds the pipe too, until the program is gone.
    """

    def __init__(self, child: Child) -> None:
        self._child = child
        self._holder: subprocess.Popen[bytes] | None = None

    def hold(self, env: Mapping[str, str]) -> None:
        """From now on our death is not the end of the child's input."""
        self._holder = subprocess.Popen(
            ["tail", f"--pid={self._child.pid}", "-f", "/dev/null"],
            env=dict(env),
            pass_fds=(self._child.stdin.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def close(self) -> None:
        """The child has been given everything, or is gone."""
        if self._holder is not None:
            self._holder.kill()
            self._holder.wait()
