"""Why a host could not be reached, sorted by whether time may cure it."""

from __future__ import annotations

import asyncssh

from backstay.domain.errors import BackstayError, NotAdmitted, Unavailable
from backstay.domain.estate import Host

from .address import Address, address_of

BAD_SETTINGS = (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, asyncssh.ConfigParseError)


def explained(error: Exception, host: Host, address: Address) -> BackstayError:
    """What to tell whoever must act on a way that did not open."""
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return _strange_key(error, host, address)
    if isinstance(error, asyncssh.PermissionDenied):
        return NotAdmitted(
            f"{host.name} ({address}) refused the login",
            subject=host.name,
            hint=f"Try: ssh {address.for_ssh()} true. What the host needs is printed by: backstay hosts prepare "
            f"{host.name}",
        )
    if isinstance(error, BAD_SETTINGS):
        return NotAdmitted(
            f"the ssh settings of this account cannot be used for {host.name}: {error}",
            subject=host.name,
            hint=f"Try: ssh {address.for_ssh()} true. A key with a passphrase must be in the ssh agent.",
        )
    return Unavailable(
        f"{host.name} ({address}) does not answer: {_reason(error)}",
        subject=host.name,
        hint=f"Look whether it is up and reachable from here: ssh {address.for_ssh()} true",
    )


def cut_off(host: Host, doing: str) -> Unavailable:
    """The way was there and is no more."""
    return Unavailable(
        f"the way to {host.name} was cut while {doing}",
        subject=host.name,
        hint="What ran there for us ends by itself within half a minute; the work begins anew at the next try.",
    )


def no_session(host: Host, error: asyncssh.ChannelOpenError) -> Unavailable:
    """The way is there, but carries no more."""
    return Unavailable(
        f"{host.name} opened no further session: {error.reason}",
        subject=host.name,
        hint="Its sshd allows no more at a time: let fewer jobs run there (slots), or raise MaxSessions.",
    )


def no_shell(host: Host) -> NotAdmitted:
    """The account may log in, but not run anything."""
    return NotAdmitted(
        f"the account on {host.name} has no shell that runs what we ask",
        subject=host.name,
        hint=f"Try: ssh {address_of(host).for_ssh()} 'exec sh -c true'. It must end with status 0.",
    )


def silent(host: Host) -> Unavailable:
    """The account's shell began, and we were never heard."""
    return Unavailable(
        f"{host.name} let us in, but the account's shell does not come to what we ask",
        subject=host.name,
        hint=f"Try: ssh {address_of(host).for_ssh()} 'exec sh -c true'. It must end at once: look at what the shell "
        "reads when it begins, such as ~/.bashrc, and at the home folder's disk.",
    )


def no_port(host: Host, error: Exception) -> NotAdmitted:
    """The account may log in, but not what a backup needs."""
    return NotAdmitted(
        f"{host.name} refused to forward a port of its loopback to us: {error}",
        subject=host.name,
        hint='Let the key forward ports there: restrict,port-forwarding,permitlisten="localhost:*" in authorized_keys, '
        f"and AllowTcpForwarding remote in sshd_config. See: backstay hosts prepare {host.name}",
    )


def _strange_key(error: Exception, host: Host, address: Address) -> NotAdmitted:
    scan = f"ssh-keyscan {address.for_keyscan()}"
    return NotAdmitted(
        f"the host key of {host.name} ({address}) is not the one in known_hosts, or there is none: {error}",
        subject=host.name,
        hint=f"If it is new, look at its key with `{scan} | ssh-keygen -lf -`, compare that with what "
        "`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` says on the host itself, and then run: "
        f"{scan} >>~/.ssh/known_hosts. If it was known before, find out why it changed before you trust it; then first "
        f"run: ssh-keygen -R {address.for_known_hosts()}",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
