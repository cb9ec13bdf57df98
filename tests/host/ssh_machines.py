"""Far hosts for one module of tests, and the machines by which they are reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backstay.domain.estate import Host
from backstay.host.clock import SystemClock
from backstay.host.secrets import HostSecrets
from backstay.host.ssh.machine import SshMachine
from far_hosts import FarHost, FarHosts, far_hosts


@contextmanager
def outside(folder: Path) -> Iterator[FarHosts]:
    """Hosts, and a home in which ssh knows them."""
    with far_hosts(folder) as far, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(far.home))
        patch.delenv("SSH_AUTH_SOCK", raising=False)
        yield far


def machine_at(host: FarHost, state: Path, address: str | None = None) -> SshMachine:
    return SshMachine(Host(host.name, address or host.address), HostSecrets(), SystemClock(), str(state))
