"""The `Store` port for targets that are reached through rclone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backstay.domain.errors import InvariantBroken, RepositoryDamaged, Unavailable
from backstay.domain.estate import Target

from .rclone import NOT_FOUND, Rclone
from .remotes import location_of, remote_of

_SHA256 = 64
"""Digits of a hash; where there is none, rclone writes a word."""

_PLAIN = ("--recursive", "--files-only", "--no-mimetype", "--fast-list")


@dataclass(frozen=True, slots=True)
class RemoteStore:
    """The repository `<url>/<engine>/<name>` of a target elsewhere.

    Every question is one rclone process, which takes 0.1 s and the way there and back. `first_use` as in `PathStore`.
    """

    rclone: Rclone = field(repr=False)
    target: Target
    engine: str
    name: str
    first_use: bool = False

    @property
    def location(self) -> str:
        return location_of(self.target, self.engine, self.name)

    def exists(self) -> bool:
        """Folders without files do not count: gateways make them before they have anything to put in."""
        first = self._listed("lsjson", "--no-modtime", "--no-mimetype", self._spec())
        if any(not entry["IsDir"] for entry in first):
            return True
        return bool(first) and bool(self.pieces())

    def prepare(self) -> None:
        if not self.first_use:
            self._demand_target()
        self.rclone.ask(self.target, "mkdir", self._spec())

    def pieces(self, under: str = "") -> Mapping[str, int]:
        prefix = under.rstrip("/")
        entries = self._listed("lsjson", *_PLAIN, "--no-modtime", self._spec(prefix))
        return {f"{prefix}/{entry['Path']}" if prefix else entry["Path"]: entry["Size"] for entry in entries}

    def digest(self, name: str) -> str:
        content = dict(self.digests([name]))[name]
        if isinstance(content, RepositoryDamaged):
            raise content
        return content

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | RepositoryDamaged]]:
        """The bytes are fetched and hashed here: a server's word for them would be no proof.

        What failed is tried once more, so that a connection that broke is not taken for damage.
        """
        wanted = [self._demand_name(name) for name in names]
        found = self._hashed(wanted)
        missed = [name for name in wanted if name not in found]
        there = self.pieces() if missed else {}
        found |= self._hashed([name for name in missed if name in there])
        for name in wanted:
            yield name, found.get(name) or _unreadable(name, name in there)

    def newest(self, count: int) -> Sequence[str]:
        entries = self._listed("lsjson", *_PLAIN, self._spec())
        entries.sort(key=lambda entry: entry["ModTime"], reverse=True)
        return [entry["Path"] for entry in entries[:count]]

    def watched(self) -> Callable[[], None]:
        """Whatever answers by its address is the target."""
        return lambda: None

    def remove(self, name: str) -> None:
        self.rclone.ask(self.target, "deletefile", self._spec(name))

    def _hashed(self, names: Sequence[str]) -> dict[str, str]:
        """Those of them that could be read."""
        if not names:
            return {}
        plain = ("--download", "--files-from-raw=-", "--no-traverse")
        finished = self.rclone.feed(self.target, names, "hashsum", "sha256", *plain, self._spec())
        lines = (line.partition("  ") for line in finished.out.splitlines())
        return {name: content for content, _, name in lines if len(content) == _SHA256}

    def _listed(self, *arguments: str) -> list[dict[str, Any]]:
        """What rclone lists; nothing where the repository is not, Unavailable where the target should be and is not."""
        finished = self.rclone.ask(self.target, *arguments)
        if finished.status == 0:
            listed: list[dict[str, Any]] = json.loads(finished.out)
            return listed
        if not self.first_use and not self._answers():
            raise self._not_there()
        return []

    def _answers(self) -> bool:
        """Whether the target's own folder or bucket is there."""
        spec = remote_of(self.target).spec()
        finished = self.rclone.ask(self.target, "lsjson", "--no-modtime", "--no-mimetype", spec)
        return finished.status not in NOT_FOUND

    def _demand_target(self) -> None:
        remote = remote_of(self.target)
        finished = self.rclone.ask(self.target, "lsjson", "--no-modtime", "--no-mimetype", remote.spec())
        if finished.status in NOT_FOUND:
            raise self._not_there()
        if not json.loads(finished.out):
            raise Unavailable(
                f"the target {self.target.name} is empty, though copies were stored in it",
                subject=self.target.name,
                hint=f"Look whether its disk is mounted there. If it was emptied on purpose, make the folder "
                f"{self.engine} in it.",
            )

    def _not_there(self) -> Unavailable:
        message = f"the target {self.target.name} is not there: its folder or bucket is missing"
        return Unavailable(message, subject=self.target.name, hint="Mount its disk, or create it again.")

    def _spec(self, name: str = "") -> str:
        return remote_of(self.target).spec(self.engine, self.name, *([self._demand_name(name)] if name else []))

    def _demand_name(self, name: str) -> str:
        if name.startswith("/") or ".." in name.split("/"):
            raise InvariantBroken(f"{name} is no name of a piece", subject=self.location)
        return name


def _unreadable(name: str, there: bool) -> RepositoryDamaged:
    why = "its server fails to read it" if there else "No such file"
    return RepositoryDamaged(f"the piece {name} cannot be read: {why}", subject=name)
