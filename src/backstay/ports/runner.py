"""Processes of other programs: started so that they cannot outlive us, stopped in their own way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from backstay.domain.secrets import Secret

from .progress import Progress


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run. Secrets go into `env` and nowhere else; `env` stands on top of a small clean environment.

    `stop` is the signal by which the program ends cleanly; it gets `grace_s` seconds, then SIGKILL.
    `user` is an ordinary account to become when we are root (ignored otherwise).
    `private_network` cuts the program off from every network where the machine lets us.
    `pace` is asked again at least once a second how many bytes a second the program may read, None for no limit. With
    `rereads`, what it reads of its own writing, twice at most, is not counted.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str | Secret] = field(default_factory=dict)
    cwd: str | None = None
    stop: Literal["TERM", "INT", "QUIT"] = "TERM"
    grace_s: float = 10.0
    user: str | None = None
    private_network: bool = False
    run_id: str | None = None
    pace: Callable[[], float | None] | None = None
    rereads: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended. `status` is its exit status, negative for the signal that killed it.

    `out` is all of standard output unless it was handed out line by line; `err` the last 256 KiB of standard error.
    """

    status: int
    out: str
    err: str
    seconds: float


class Service(Protocol):
    """A program that runs until we are done with it."""

    @property
    def pid(self) -> int: ...

    def ended(self) -> int | None:
        """Its exit status, or None while it runs."""

    def log(self) -> str:
        """What it wrote so far to standard output and standard error together, at most the last 256 KiB."""


class Runner(Protocol):
    """Promises: a process group of its own; it ends when we end, however we end; no secret in its arguments;
    `progress.check` is asked at least twice a second and Cancelled stops the program before it is raised;
    a program that is not there is EngineFailed with a hint on how to install it."""

    def run(
        self,
        command: Command,
        progress: Progress,
        *,
        on_line: Callable[[str], None] | None = None,
        feed: Iterable[bytes] | None = None,
    ) -> Finished:
        """Run to the end. `on_line` gets standard output line by line. `feed` is written to standard input;
        if reading it raises, the program is stopped before it sees the end of its input, and the error rises."""

    def stream(self, command: Command, progress: Progress) -> AbstractContextManager[Iterator[bytes]]:
        """Standard output in chunks of up to 1 MiB. The iterator raises EngineFailed at the end if the status is not 0;
        leaving the context early stops the program."""

    def serve(self, command: Command) -> AbstractContextManager[Service]:
        """A program in the background, stopped and gone when the context is left."""

    def sweep(self) -> int:
        """Kill what processes of ours that died left running, and say how many these were."""
