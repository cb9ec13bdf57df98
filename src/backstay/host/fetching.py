"""Where the estate says that secrets are, and how they are got there."""

from __future__ import annotations

import os
import shlex
import stat

from backstay.domain.errors import ConfigError
from backstay.domain.secrets import SecretRef

from .child import Child
from .pump import Pump

_MOST = 64 * 1024
_PATIENCE_S = 30.0


def fetched(reference: SecretRef) -> str:
    """The secret as it is now; ConfigError, without any of it, if there is none that can be used."""
    fetch = {"env": _from_environment, "file": _from_file, "cmd": _from_command, "keyring": _from_keyring}
    value = fetch[reference.scheme](reference)
    if not value:
        raise ConfigError(f"the secret {_name(reference)} is empty", subject=_name(reference))
    if "\0" in value:
        raise ConfigError(f"the secret {_name(reference)} contains a NUL byte", subject=_name(reference))
    return value


def _name(reference: SecretRef) -> str:
    """How messages call it; a command's arguments are the owner's business."""
    program = reference.value.split(maxsplit=1)[:1]
    return f"cmd:{program[0] if program else ''}" if reference.scheme == "cmd" else str(reference)


def _from_environment(reference: SecretRef) -> str:
    value = os.environ.get(reference.value)
    if value is None:
        raise ConfigError(
            f"the environment variable {reference.value} is not set",
            subject=str(reference),
            hint="Set it for this program, or change the reference in the estate file.",
        )
    return _text(os.fsencode(value), reference)


def _from_file(reference: SecretRef) -> str:
    path = reference.value
    try:
        # Without O_NONBLOCK a named pipe would hold us here for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigError(f"the secret file {path} cannot be read: {error.strerror}", subject=str(reference)) from error
    with os.fdopen(handle, "rb") as file:
        _demand_private(path, os.fstat(handle))
        content = file.read(_MOST)
    return _text(content, reference).removesuffix("\n").removesuffix("\r")


def _demand_private(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"the secret file {path} is not a regular file", subject=path)
    if stat.S_IMODE(status.st_mode) & 0o177:
        raise ConfigError(
            f"the secret file {path} has mode {stat.S_IMODE(status.st_mode):04o}: others may read or change it",
            subject=path,
            hint=f"Run: chmod 600 {shlex.quote(path)}",
        )


def _from_command(reference: SecretRef) -> str:
    """The first line that it writes. What else it says stays unsaid: nobody knows what is in it."""
    subject = _name(reference)
    status, output = _answer(reference)
    if status is None:
        raise ConfigError(f"the secret {subject} did not come within {_PATIENCE_S:.0f} s", subject=subject)
    if status != 0:
        raise ConfigError(
            f"the command of the secret {subject} ended with status {status}",
            subject=subject,
            hint="Run it by hand, as this user, to see why.",
        )
    return next(iter(_text(output, reference).splitlines()), "")


def _answer(reference: SecretRef) -> tuple[int | None, bytes]:
    """Its status (None if it did not end in time) and output; it runs in the whole environment that we were given."""
    output = bytearray()
    try:
        child = Child(["setpriv", "--pdeathsig=TERM", "--", *shlex.split(reference.value)], os.environ)
    except (OSError, ValueError):
        raise ConfigError(f"{_name(reference)} cannot be run", subject=_name(reference)) from None
    pump = Pump(child, lambda chunk: output.extend(chunk[: _MOST - len(output)]), lambda chunk: None, lambda: None)
    try:
        in_time = pump.finish(_PATIENCE_S)
        pump.drain()
        return child.status() if in_time else None, bytes(output)
    finally:
        child.reap()
        pump.close()


def _from_keyring(reference: SecretRef) -> str:
    # Looking for back ends takes a noticeable moment, which nobody without keyring references should wait.
    import keyring
    from keyring.errors import KeyringError

    service, _, user = reference.value.rpartition("/")
    try:
        value = keyring.get_password(service, user)
    except KeyringError as error:
        raise ConfigError(
            f"the keyring did not give {reference}: {type(error).__name__}",
            subject=str(reference),
            hint="Unlock it or set one up for this user, or keep the secret in a file with mode 0600.",
        ) from error
    if value is None:
        raise ConfigError(f"the keyring has no {reference}", subject=str(reference))
    return value


def _text(content: bytes, reference: SecretRef) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"the secret {_name(reference)} is not UTF-8 text", subject=_name(reference)) from None
