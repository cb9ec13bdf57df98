from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from architecture.sources import PACKAGE, PROJECT

RULES = PROJECT / "pyproject.toml"
LINTER = Path(sys.executable).with_name("lint-imports")
NAMES = [rule["name"] for rule in tomllib.loads(RULES.read_text())["tool"]["importlinter"]["contracts"]]
PACKAGES = ["engines/restic", "engines/memory", "kinds/files", "kinds/postgresql"]

# The rule, and the smallest files that break it and no other.
OFFENCES: list[tuple[str, dict[str, str]]] = [
    ("Rooms import downwards only", {"ports/clock.py": "import backstay.planning"}),
    ("Rooms import downwards only", {"proof/verdict.py": "import backstay.planning"}),
    ("Rooms import downwards only", {"host/clock.py": "def now():\n    import backstay.app"}),
    ("Rooms import downwards only", {"attic/__init__.py": ""}),
    ("Engines do not know one another", {"engines/memory/engine.py": "import backstay.engines.restic"}),
    ("Kinds do not know one another", {"kinds/files/tree.py": "from backstay.kinds import postgresql"}),
    ("The core does no I/O", {"domain/estate.py": "import os"}),
    ("The core does no I/O", {"planning/plan.py": "from pathlib import Path"}),
    ("The core does no I/O", {"proof/seal.py": "import subprocess"}),
    ("Flows are given their adapters", {"flows/backup.py": "import backstay.engines.restic"}),
    ("The doors ask app, and nobody behind it", {"cli/looking.py": "from backstay.flows import backup"}),
    ("The doors ask app, and nobody behind it", {"web/pages.py": "import backstay.catalog"}),
    ("Only flows and app know the durable runtime", {"catalog/tables.py": "import dbos"}),
    ("Only flows and app know the durable runtime", {"cli/main.py": "from dbos import DBOS"}),
    (
        "No cycles between siblings",
        {"config/load.py": "from . import build", "config/build.py": "from .load import load"},
    ),
]


def skeleton(root: Path) -> Path:
    """The rooms of the package, empty."""
    rooms = [folder.name for folder in PACKAGE.iterdir() if (folder / "__init__.py").exists()]
    for folder in ["", *rooms, *PACKAGES]:
        (root / "backstay" / folder).mkdir(exist_ok=True)
        (root / "backstay" / folder / "__init__.py").touch()
    (root / "backstay" / "flows" / "backup.py").touch()
    return root


def lint(folder: Path) -> tuple[int, set[str], str]:
    """The linter's status, the rules that it says are broken, and all it says, about the package in `folder`."""
    ended = subprocess.run(
        [LINTER, "--config", RULES, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return ended.returncode, set(re.findall(r"^(.+) BROKEN$", ended.stdout, re.MULTILINE)), ended.stdout + ended.stderr


def test_the_package_keeps_every_rule() -> None:
    status, broken, said = lint(PACKAGE.parent)
    assert (status, broken) == (0, set()), said


def test_a_package_of_empty_rooms_keeps_every_rule(tmp_path: Path) -> None:
    status, broken, said = lint(skeleton(tmp_path))
    assert (status, broken) == (0, set()), said


def test_every_rule_is_tried() -> None:
    assert {rule for rule, _ in OFFENCES} == set(NAMES)


@pytest.mark.parametrize(
    ("rule", "offence"), OFFENCES, ids=[f"{rule}: {next(iter(offence))}" for rule, offence in OFFENCES]
)
def test_an_offence_is_named_by_the_rule_it_breaks_and_by_no_other(
    rule: str, offence: dict[str, str], tmp_path: Path
) -> None:
    folder = skeleton(tmp_path)
    for path, text in offence.items():
        (folder / "backstay" / path).parent.mkdir(exist_ok=True)
        (folder / "backstay" / path).write_text(f"{text}\n")
    status, broken, said = lint(folder)
    assert (status, broken) == (1, {rule}), said
