"""A private PostgreSQL server for one restore: a socket in a private folder, and no way out."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from backstay.domain.errors import Unavailable
from backstay.ports.clock import Clock
from backstay.ports.places import Places
from backstay.ports.progress import Progress
from backstay.ports.runner import Command, Finished, Runner, Service
from backstay.ports.secrets import Secrets

from . import argv
from .address import Address, connected

READY_WITHIN_S = 60.0
LONGEST_SOCKET = 107
_LOCALES_EVERYBODY_HAS = ("C.UTF-8", "C")


@dataclass(frozen=True, slots=True)
class ClusterRequest:
    """`programs` is the folder of the server programs; `superuser`, `encoding` and `locale` are the source's."""

    programs: str
    superuser: str
    encoding: str
    locale: str
    place: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server that belongs to us. `stands_in` names the locale that the source has and this machine lacks."""

    programs: str
    address: Address
    service: Service
    stands_in: str | None

    def environment(self, database: str) -> dict[str, str]:
        """What leads a child program to it. A restored `default_transaction_read_only` must not stop the restore."""
        keywords = self.address.keywords
        return {
            "PGHOST": keywords["host"],
            "PGPORT": keywords["port"],
            "PGUSER": keywords["user"],
            "PGDATABASE": database,
            "PGAPPNAME": "backstay",
            "PGOPTIONS": "-c default_transaction_read_only=off",
        }


class Clusters:
    """Makes private servers."""

    def __init__(self, runner: Runner, secrets: Secrets, places: Places, clock: Clock) -> None:
        self._runner = runner
        self._secrets = secrets
        self._places = places
        self._clock = clock

    @contextmanager
    def open(self, request: ClusterRequest, progress: Progress) -> Iterator[Cluster]:
        """A server that answers; stopped, and its folder gone, when the context is left."""
        user = self._places.ordinary_user
        with ExitStack() as stack:
            place = request.place
            if not _suits(place, user):
                place = stack.enter_context(self._places.open("postgresql", for_user=user))
            data = os.path.join(place, "d")
            stands_in = self._initialise(request, data, user, progress)
            address = Address({"host": place, "port": "5432", "user": request.superuser, "dbname": "template1"})
            words = argv.serve(request.programs, data, place)
            command = Command(words, cwd=place, user=user, stop="QUIT", private_network=True)
            service = stack.enter_context(self._runner.serve(command))
            self._wait(service, address, progress)
            yield Cluster(request.programs, address, service, stands_in)

    def _initialise(self, request: ClusterRequest, data: str, user: str | None, progress: Progress) -> str | None:
        """An empty cluster in the source's locale; if this machine lacks that, in a plain one, and its name told."""
        done = self._initdb(request, data, user, request.locale, progress)
        if done.status == 0:
            return None
        for locale in _LOCALES_EVERYBODY_HAS:
            if "locale" in done.err and self._initdb(request, data, user, locale, progress).status == 0:
                return request.locale
        last = done.err.strip().splitlines()[-1] if done.err.strip() else f"status {done.status}"
        raise Unavailable(f"no private PostgreSQL cluster could be made: {last}", subject="initdb")

    def _initdb(
        self, request: ClusterRequest, data: str, user: str | None, locale: str, progress: Progress
    ) -> Finished:
        words = argv.initdb(request.programs, data, request.superuser, request.encoding, locale)
        return self._runner.run(Command(words, cwd=os.path.dirname(data), user=user), progress)

    def _wait(self, service: Service, address: Address, progress: Progress) -> None:
        until = self._clock.elapsed() + READY_WITHIN_S
        while True:
            progress.check()
            try:
                with connected(address, self._secrets):
                    return
            except Unavailable:
                if service.ended() is not None or self._clock.elapsed() > until:
                    last = "; ".join(service.log().strip().splitlines()[-3:])
                    raise Unavailable(f"the private PostgreSQL did not start: {last}", subject="postgres") from None
            self._clock.sleep(0.05)


def _suits(place: str, user: str | None) -> bool:
    """Whether the server's account may work there, and a socket's name is short enough."""
    if len(os.fsencode(os.path.join(place, ".s.PGSQL.5432"))) > LONGEST_SOCKET:
        return False
    owner = os.geteuid() if user is None else pwd.getpwnam(user).pw_uid
    return os.stat(place).st_uid == owner
