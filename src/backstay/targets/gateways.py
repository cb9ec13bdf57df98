"""The `Gateways` port: rclone serves one repository, our relay stands before it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from backstay.domain.errors import MachineLacks
from backstay.domain.estate import Target
from backstay.domain.secrets import Secret
from backstay.ports.gateway import Access, Gateway
from backstay.ports.places import Places
from backstay.ports.runner import Command
from backstay.ports.store import remove_halves

from .rclone import Rclone, unavailable
from .relay import Passage, Relay
from .remotes import remote_of
from .serving import KeptServer
from .stores import store_for

_USER = "job"
_NO_ROOM = re.compile(r"no space left on device|remaining disk space|disk quota exceeded", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Door:
    """The `Gateway` through a passage of the relay."""

    passage: Passage
    word: Secret
    server: KeptServer
    target: Target

    @property
    def port(self) -> int:
        return self.passage.port

    def address(self, port: int | None = None) -> Secret:
        return Secret(f"http://{_USER}:{self.word.reveal()}@127.0.0.1:{port or self.port}/")

    def limit(self, bytes_per_s: float | None) -> None:
        self.passage.limit(bytes_per_s)

    def passed(self) -> int:
        return self.passage.bytes

    def check(self) -> None:
        if _NO_ROOM.search(self.server.log):
            raise MachineLacks(
                f"no space left in target {self.target.name}",
                subject=self.target.name,
                hint="Make room, or give the target a larger place. The points that are there are untouched.",
            )


class RcloneGateways:
    """Doors to repositories of the REST protocol that restic speaks.

    rclone listens at a socket in a private folder, our relay on loopback; whoever comes through must know the word.
    """

    def __init__(self, rclone: Rclone, places: Places) -> None:
        self._rclone = rclone
        self._places = places
        self._relay = Relay(rclone.clock)

    @contextmanager
    def open(
        self, target: Target, engine: str, name: str, *, access: Access, bytes_per_s: float | None = None
    ) -> Iterator[Gateway]:
        word = Secret(secrets.token_urlsafe(24))
        self._rclone.secrets.hide(word.reveal())
        store = store_for(target, engine, name, first_use=True, rclone=self._rclone)
        with self._places.open("gateway") as folder:
            path = f"{folder}/rest"
            command = self._command(target, engine, name, access, path, word)
            server = KeptServer(self._rclone.runner, self._rclone.clock, command, path, partial(remove_halves, store))
            with server.running(partial(unavailable, target)), self._relay.passage(path, bytes_per_s) as passage:
                yield Door(passage, word, server, target)

    def _command(self, target: Target, engine: str, name: str, access: Access, path: str, word: Secret) -> Command:
        """rclone takes the account of its own server from the environment, too, so that no word is in its arguments."""
        options = [f"--addr=unix://{path}", *(["--append-only"] if access == "append" else [])]
        env = {"RCLONE_USER": Secret(_USER), "RCLONE_PASS": word}
        return self._rclone.command(target, "serve", "restic", *options, remote_of(target).spec(engine, name), env=env)
