"""One connection to a host, and the watch over what we start through it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from secrets import token_hex

import asyncssh

from backstay.domain.estate import Host
from backstay.host.leftovers import OWNER_MARK, STATE_MARK
from backstay.host.owner import Owner

from .address import address_of
from .errors import BAD_SETTINGS, cut_off, explained, no_port, no_session, no_shell, silent
from .lane import Lane
from .scripts import BEAT_EVERY_S, opening
from .session import Session
from .watch import Watch

CONNECT_S = 10.0
LOGIN_S = 15.0
KEEPALIVE_S = 4.0
KEEPALIVES = 2
"""So many without an answer, and the way is held to be dead: after 12 s at most."""

ANSWER_S = 10.0

_GOODBYE_S = 2.0

_NOTHING_ELSE = {"agent_forwarding": False, "x11_forwarding": False, "send_env": None, "env": None}
"""What the account's ssh settings may give to any host it logs in to: not to one that may have been taken over, which
could log in to all the others with our agent."""

Connected = Callable[[str, int], Awaitable[asyncssh.SSHTCPSession[bytes]]]

living: set[str] = set()
"""The keys of this process's ways that are open: what was started through any other one is left over."""


class Way:
    """Made by `open_way`; lives in the loop's thread. When it closes, or the watch goes, all that was started through
    it is stopped there. What comes to us, of programs and ports, takes turns in its `lane`."""

    def __init__(self, host: Host, connection: asyncssh.SSHClientConnection, state: str, lane: Lane) -> None:
        self.lane = lane
        self._host = host
        self._key = token_hex(4)
        self._state = state
        self._watch = Watch()
        self._beating: asyncio.Task[None] | None = None
        self._connection = connection

    @property
    def peer(self) -> str:
        """The address that answered; of the first machine on the way, if there are several."""
        return str(self._connection.get_extra_info("peername")[0])

    @property
    def closed(self) -> bool:
        """May be asked in any thread."""
        return self._watch.gone or self._key not in living

    def marks(self) -> Mapping[str, str]:
        """What everything carries that is started through this way."""
        return {STATE_MARK: self._state, OWNER_MARK: f"{Owner.me()}:{self._key}"}

    async def begin(self) -> None:
        """Start the watch, and wait until it answers."""
        living.add(self._key)
        await self.open(self._watch)
        try:
            await asyncio.wait_for(self._watch.answer(), ANSWER_S)
        except TimeoutError as error:
            self._watch.kill()
            raise silent(self._host) from error
        except ConnectionError as error:
            shut = self._connection.is_closed()
            raise cut_off(self._host, "it was greeted") if shut else no_shell(self._host) from error
        self._beating = asyncio.get_running_loop().create_task(self._beat())

    async def round_trip(self) -> float:
        """Seconds until the watch has answered."""
        began = asyncio.get_running_loop().time()
        try:
            await asyncio.wait_for(self._watch.answer(), ANSWER_S)
        except (TimeoutError, ConnectionError) as error:
            self.close()
            raise cut_off(self._host, "it was asked for a sign of life") from error
        return asyncio.get_running_loop().time() - began

    async def listen(self, connected: Connected) -> asyncssh.SSHListener:
        """A port on the host's loopback."""
        try:
            return await self._connection.create_server(
                connected, "127.0.0.1", 0, window=self.lane.window, max_pktsize=self.lane.packet
            )
        except asyncssh.ChannelListenError as error:
            raise no_port(self._host, error) from error
        except (asyncssh.Error, OSError) as error:
            raise cut_off(self._host, "a port was opened there") from error

    def tell(self, line: str) -> None:
        """A line for the watch."""
        self._watch.tell(line)

    def close(self) -> None:
        living.discard(self._key)
        if self._beating is not None:
            self._beating.cancel()
        self._connection.close()

    async def end(self) -> None:
        """Close it; the other side hears of it now, or finds out by our silence."""
        self.close()
        try:
            await asyncio.wait_for(self._connection.wait_closed(), _GOODBYE_S)
        except TimeoutError:
            self._connection.abort()

    async def open(self, session: Session | Watch) -> None:
        """A new session that waits for its script. Unavailable if there is none to be had."""
        try:
            await self._connection.create_session(
                lambda: session,
                opening(self.marks()),
                encoding=None,
                request_pty=False,
                window=self.lane.window,
                max_pktsize=self.lane.packet,
            )
        except asyncssh.ChannelOpenError as error:
            if self.closed:
                raise cut_off(self._host, "a program was started there") from error
            raise no_session(self._host, error) from error
        except (asyncssh.Error, OSError) as error:
            raise cut_off(self._host, "a program was started there") from error

    async def _beat(self) -> None:
        while not self.closed:
            self._watch.beat()
            await asyncio.sleep(BEAT_EVERY_S)
        self.close()


async def open_way(host: Host, state: str, lane: Lane) -> Way:
    """A way with a watch at its end.

    Source: ssh_config(5); asyncssh reads the settings that it knows from the same files.
    Raises: Unavailable if the host does not answer, NotAdmitted if it is not the one we know or does not know us.
    """
    address = address_of(host)
    settings: dict[str, object] = {"config": _config_files(), **_NOTHING_ELSE}
    if address.user is not None:
        settings["username"] = address.user
    if address.port is not None:
        settings["port"] = address.port
    try:
        known = await asyncssh.SSHClientConnectionOptions.construct(host=address.host, **settings)
        settings["encryption_algs"] = _cheap_first(known.encryption_algs)
        connection = await asyncssh.connect(
            address.host,
            connect_timeout=CONNECT_S,
            login_timeout=LOGIN_S,
            keepalive_interval=KEEPALIVE_S,
            keepalive_count_max=KEEPALIVES,
            **settings,
        )
    except (asyncssh.Error, OSError, *BAD_SETTINGS) as error:
        raise explained(error, host, address) from error
    way = Way(host, connection, state, lane)
    try:
        await way.begin()
    except BaseException:
        way.close()
        raise
    return way


def _cheap_first(ciphers: Sequence[bytes]) -> list[str]:
    """The same ciphers; those first that cost half of the others where the processor has AES (measured)."""
    return sorted((cipher.decode() for cipher in ciphers), key=lambda cipher: "-gcm@" not in cipher)


def _config_files() -> list[Path]:
    files = (Path("~/.ssh/config").expanduser(), Path("/etc/ssh/ssh_config"))
    return [file for file in files if os.access(file, os.R_OK)]
