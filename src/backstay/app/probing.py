"""Which probes stand for production here."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from backstay.domain.estate import FilesSource, SqliteSource, Workload
from backstay.host.probes import Pressure, disk_under
from backstay.planning.network import host_key
from backstay.ports.probe import Probe

from .wiring import Opened


def probes_of(house: Opened) -> Mapping[str, Probe]:
    """The disk under the first source of this machine that is there. Far hosts are felt on the way to them."""
    here = (each for each in house.estate.workloads.values() if each.host is None and each.exempt is None)
    for path in filter(None, map(_path, here)):
        with contextlib.suppress(OSError):  # the run of that workload says what is wrong with it
            return {host_key(None): disk_under(path)}
    return {}


def processors() -> Probe:
    """What waits for the processors of this machine."""
    return Pressure("/proc/pressure/cpu")


def _path(workload: Workload) -> str | None:
    source = workload.source
    if isinstance(source, FilesSource):
        return source.paths[0]
    return source.path if isinstance(source, SqliteSource) else None
