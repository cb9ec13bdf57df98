from __future__ import annotations

from collections.abc import Callable, Iterable

from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.ports.progress import Progress
from backstay.ports.runner import Command, Finished


class CountingRunner(Processes):
    """The real one; remembers what it ran, and calls `afterwards` with each command that has ended."""

    def __init__(self, state: str) -> None:
        super().__init__(HostSecrets(), SystemClock(), state)
        self.commands: list[str] = []
        self.afterwards: Callable[[str], None] = lambda command: None

    def run(
        self,
        command: Command,
        progress: Progress,
        *,
        on_line: Callable[[str], None] | None = None,
        feed: Iterable[bytes] | None = None,
    ) -> Finished:
        words = [word for word in command.argv[1:] if not word.startswith("-") and not word.startswith("/")]
        self.commands.append(words[0])
        finished = super().run(command, progress, on_line=on_line, feed=feed)
        self.afterwards(words[0])
        return finished
