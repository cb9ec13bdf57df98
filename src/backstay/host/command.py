"""How a `Command` becomes an argument list and an environment."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess  # noqa: TID251 - the Runner is built here
from collections.abc import Sequence
from functools import cache

from backstay.domain.errors import ConfigError, MachineLacks
from backstay.domain.secrets import Secret
from backstay.ports.runner import Command

from .leftovers import marks
from .state import part_of

_PACKAGES = {
    "pg_dump": "postgresql-client",
    "psql": "postgresql-client",
    "setpriv": "util-linux",
    "tail": "coreutils",
}


def program_of(command: Command) -> str:
    """The program's short name, for messages."""
    return os.path.basename(command.argv[0])


def argv_of(command: Command) -> list[str]:
    """The command behind `setpriv`, which has the kernel send it its stop signal when we die.

    Source: setpriv(1), prctl(2) PR_SET_PDEATHSIG; setpriv changes the account first, so the request survives it.
    """
    account = _account(command)
    identity = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups"] if account else []
    network = ["unshare", "--net", "--"] if command.private_network and _can_cut_off() else []
    return [*network, "setpriv", f"--pdeathsig={command.stop}", *identity, "--", *command.argv]


def environment_of(command: Command, state: str) -> dict[str, str]:
    """A small clean environment, what the command adds, and our marks."""
    base = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "HOME": _home(command, state),
    }
    if "TMPDIR" in os.environ:
        base["TMPDIR"] = os.environ["TMPDIR"]
    own = {name: value.reveal() if isinstance(value, Secret) else value for name, value in command.env.items()}
    return base | own | marks(state, command.run_id)


def demand(programs: Sequence[str], path: str) -> None:
    """MachineLacks unless all of them are there."""
    for program in programs:
        if shutil.which(program, path=path) is None:
            raise _missing(program)


def _missing(program: str) -> MachineLacks:
    name = os.path.basename(program)
    package = _PACKAGES.get(name, name)
    return MachineLacks(
        f"{program} is not installed",
        subject=name,
        hint=f"Install it (on Debian: apt install {package}), or put the folder that holds it on PATH.",
    )


def _account(command: Command) -> pwd.struct_passwd | None:
    if command.user is None or os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(command.user)
    except KeyError:
        raise ConfigError(f"there is no account {command.user} on this machine", subject=command.user) from None


def _home(command: Command, state: str) -> str:
    account = _account(command)
    if account is not None:
        return account.pw_dir
    if "HOME" in os.environ:
        return os.environ["HOME"]
    return str(part_of(state, "home"))


@cache
def _can_cut_off() -> bool:
    """Whether this machine lets us make network namespaces; asked once."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode == 0
