"""This machine as one on which sources lie."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from backstay.ports.runner import Runner

from .state import part_of


class ThisMachine:
    """Sources are read where Backstay runs; nothing is on the way to them."""

    def __init__(self, runner: Runner, state: str) -> None:
        self._runner = runner
        self._state = state

    @property
    def name(self) -> str | None:
        return None

    @property
    def runner(self) -> Runner:
        return self._runner

    @contextmanager
    def staging(self, workload: str, target: str) -> Iterator[str]:
        above = part_of(self._state, "work") / target
        folder = above / workload
        shutil.rmtree(folder, ignore_errors=True)
        above.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700)
        try:
            yield str(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def write(self, path: str, content: bytes) -> None:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)

    @contextmanager
    def reach(self, port: int) -> Iterator[int]:
        yield port

    def give_way(self, yes: bool) -> None:
        return None

    def round_trip(self) -> float | None:
        return None
