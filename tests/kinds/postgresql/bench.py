"""The kind on a real server, in folders of its own, with a look behind it after each test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from backstay.domain.estate import DatabaseSource, Workload
from backstay.domain.points import Fingerprint
from backstay.domain.secrets import SecretRef
from backstay.host.clock import SystemClock
from backstay.host.places import ScratchPlaces
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.kinds.postgresql import PostgresqlKind
from backstay.ports.kind import HoldRequest, Raised, RaiseRequest
from backstay.ports.progress import Progress, Silent


def workload(dsn: SecretRef | str) -> Workload:
    return Workload("crm-db", "postgresql", DatabaseSource(dsn), None)


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup leaves: artefacts in a folder, and the fingerprint that was recorded."""

    workload: Workload
    folder: Path
    fingerprint: Fingerprint | None

    @property
    def dump(self) -> Path:
        (dump,) = self.folder.glob("*.dump")
        return dump

    def copied(self, into: Path) -> Backup:
        shutil.copytree(self.folder, into)
        return Backup(self.workload, into, self.fingerprint)


@dataclass(frozen=True, slots=True)
class Bench:
    """The kind with the real host behind it; everything it makes lies in `root`."""

    root: Path
    kind: PostgresqlKind
    places: ScratchPlaces
    secrets: HostSecrets

    def back_up(self, of: Workload | str, folder: Path, progress: Progress | None = None) -> Backup:
        held_for = of if isinstance(of, Workload) else workload(of)
        folder.mkdir(parents=True)
        with self.kind.hold(HoldRequest(held_for, "run-1", str(folder)), progress or Silent()) as held:
            return Backup(held_for, folder, held.fingerprint(Silent()))

    @contextmanager
    def raised(self, backup: Backup, fingerprint: Fingerprint | None = None) -> Iterator[tuple[Raised, str]]:
        """The restored database, and the folder with its socket."""
        with self.places.open("raise", for_user=self.places.ordinary_user) as place:
            request = RaiseRequest(backup.workload, str(backup.folder), place, fingerprint or backup.fingerprint)
            with self.kind.raise_elsewhere(request, Silent()) as raised:
                yield raised, place

    def left(self) -> list[str]:
        """Processes that name our folder, and throwaway folders in it."""
        names = [path.name for path in self.root.iterdir() if path.name != "state"]
        for process in psutil.process_iter(["cmdline"]):
            if any(str(self.root) in word for word in process.info["cmdline"] or ()):
                names.append(f"{process.pid} {process.info['cmdline']}")
        return names


@contextmanager
def bench() -> Iterator[Bench]:
    """A bench in a short folder that the server's account can pass through; nothing may be left in it."""
    root = Path(tempfile.mkdtemp(prefix="bs", dir="/tmp"))
    root.chmod(0o711)
    before, tempfile.tempdir = tempfile.tempdir, str(root)
    state = root / "state"
    state.mkdir()
    clock, secrets, places = SystemClock(), HostSecrets(), ScratchPlaces(str(state))
    try:
        house = Bench(
            root, PostgresqlKind(Processes(secrets, clock, str(state)), secrets, places, clock), places, secrets
        )
        yield house
        left = house.left()
        assert not left, left
    finally:
        tempfile.tempdir = before
        shutil.rmtree(root, ignore_errors=True)
