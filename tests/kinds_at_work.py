"""What the tests of kinds on this machine share: a workload, one pass of hold and fingerprint, real restic."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backstay.domain.drills import LevelResult
from backstay.domain.estate import Plausible, Source, Workload
from backstay.domain.points import Fingerprint
from backstay.ports.kind import HoldRequest, Kind, RaiseRequest
from backstay.ports.progress import Silent

NOBODY = 65534


def workload(source: Source, *, empty: bool = False) -> Workload:
    return Workload("it", "any", source, policy=None, plausible=Plausible(empty=empty))


def fingerprint(
    kind: Kind,
    protected: Workload,
    place: Path,
    previous: Fingerprint | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Fingerprint:
    """Hold the source, let `meanwhile` happen where a backup would be copied, take the fingerprint."""
    with kind.hold(HoldRequest(protected, "run", str(place), previous), Silent()) as held:
        meanwhile()
        return held.fingerprint(Silent())


def judge(
    kind: Kind, protected: Workload, folder: Path, place: Path, recorded: Fingerprint | None
) -> list[LevelResult]:
    """L3, L4 and L5 of what lies in `folder`."""
    with kind.raise_elsewhere(RaiseRequest(protected, str(folder), str(place), recorded), Silent()) as raised:
        return [raised.started, raised.structure(Silent()), raised.data(Silent())]


@dataclass(frozen=True, slots=True)
class Restic:
    """The real program with a repository of its own."""

    repository: Path
    password: str = "for tests only"

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {
            "RESTIC_PASSWORD": self.password,
            "RESTIC_REPOSITORY": str(self.repository),
            "PATH": os.environ["PATH"],
            "XDG_CACHE_HOME": f"{self.repository}-cache",
        }
        command = ["restic", *arguments]
        return subprocess.run(command, env=environment, check=check, capture_output=True, text=True, errors="replace")

    def backup(self, paths: Sequence[str], exclude: Sequence[str] = ()) -> str:
        """The name of a new snapshot."""
        said = self.run("backup", "--json", *(f"--exclude={one}" for one in exclude), "--", *paths)
        return str(json.loads(said.stdout.splitlines()[-1])["snapshot_id"])

    def paths(self, snapshot: str) -> set[str]:
        lines = self.run("ls", "--json", snapshot).stdout.splitlines()[1:]
        return {json.loads(line)["path"] for line in lines}

    def restore(self, snapshot: str, into: Path) -> Path:
        self.run("restore", snapshot, "--target", str(into))
        return into


def as_nobody(act: Callable[[], str]) -> str:
    """What `act` answers in a process of the account nobody; what it raises is answered as text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            said = act()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answers:
        said = answers.read()
    os.waitpid(child, 0)
    return said
