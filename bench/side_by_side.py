"""The same backups twice: by `backstay run`, and by restic in a shell loop, on copies of one repository."""

from __future__ import annotations

import json
import os
import random
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.measuring import BACKSTAY, BenchFailed, Sample, measured

SMALLEST, LARGEST = 4 << 10, 64 << 10
REWRITTEN = 0.05


@dataclass
class Sides:
    """A folder with sources, an estate over them, and for each workload two equal repositories.

    `prepare` is what a script does before it calls restic on `$source` for each workload, named `$name`.
    restic picks the cost of its key derivation when it makes a repository: two made apart would not be alike.
    """

    root: Path
    workloads: dict[str, str]
    prepare: str = ""
    dice: random.Random = field(default_factory=lambda: random.Random(7))

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self._key().write_text(secrets.token_hex(16))
        self._key().chmod(0o600)
        self._write_estate()
        self._make_repositories()

    def rewrite(self) -> None:
        """Give a twentieth of the files of each workload new contents."""
        for name in self.workloads:
            files = sorted((self.root / "source" / name).rglob("*.bin"))
            for path in self.dice.sample(files, min(len(files), max(1, round(len(files) * REWRITTEN)))):
                write_file(path, self.dice)

    def backstay(self) -> Sample:
        """One command for all workloads."""
        return measured([BACKSTAY, "--quiet", "run", "--all", "--json"], self.environment())

    def bare(self) -> Sample:
        """One restic for each workload, as a person's script would call it."""
        return measured(["sh", "-euc", "\n".join(self._loop())], self.environment())

    def points(self) -> tuple[int, int]:
        """Snapshots that lie in the repositories of either side; a side that made fewer did less."""
        ours, bare = (len(list((self.root / side).glob("restic/*/snapshots/*"))) for side in ("vault", "bare"))
        listed = measured([BACKSTAY, "points", "--json"], self.environment()).out
        if len(json.loads(listed)["points"]) != ours:
            raise BenchFailed("the catalog does not list what lies in the repositories")
        return ours, bare

    def environment(self) -> Mapping[str, str]:
        """For either side; no estate or state of the caller's."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("BACKSTAY", "RESTIC"))}
        return own | {
            "BACKSTAY_ESTATE": str(self.root / "estate.yaml"),
            "BACKSTAY_STATE": str(self.root / "state"),
            "RESTIC_PASSWORD_FILE": str(self._key()),
        }

    def _key(self) -> Path:
        return self.root / "key"

    def _loop(self) -> list[str]:
        root = shlex.quote(str(self.root))
        loop = f"for name in {' '.join(self.workloads)}; do source={root}/source/$name; {self.prepare}"
        return [loop, f"restic --no-cache --repo {root}/bare/restic/$name backup --json $source; done"]

    def _write_estate(self) -> None:
        lines = [f"  {name}: {{{inside}, policy: p}}" for name, inside in self.workloads.items()]
        vault = f"{{url: {self.root}/vault, password: 'file:{self._key()}'}}"
        text = f"estate: bench\nworkflow: serial\ntargets:\n  vault: {vault}\n"
        text += "policies:\n  p: {rpo: 1h}\nworkloads:\n" + "\n".join(lines) + "\n"
        (self.root / "estate.yaml").write_text(text)

    def _make_repositories(self) -> None:
        template = self.root / "template"
        argv = ["restic", "--no-cache", "--repo", str(template), "init"]
        subprocess.run(argv, env=dict(self.environment()), check=True, capture_output=True)
        for side in ("vault", "bare"):
            for name in self.workloads:
                shutil.copytree(template, self.root / side / "restic" / name)


def write_file(path: Path, dice: random.Random) -> None:
    """4 to 64 KiB that cannot be compressed."""
    path.write_bytes(dice.randbytes(dice.randint(SMALLEST, LARGEST)))


def write_tree(folder: Path, files: int, dice: random.Random) -> None:
    """So many files, at most 500 in a folder."""
    for number in range(files):
        path = folder / f"{number // 500:03d}" / f"{number:06d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, dice)


def trees(root: Path, count: int, files: int) -> Sides:
    """So many workloads of the kind `files`."""
    dice = random.Random(11)
    names = [f"w{number:02d}" for number in range(count)]
    for name in names:
        write_tree(root / "source" / name, files, dice)
    return Sides(root, {name: f"kind: files, paths: [{root}/source/{name}]" for name in names})
