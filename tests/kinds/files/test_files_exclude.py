"""Exclude patterns mean what they mean to restic."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from backstay.domain.errors import ConfigError
from backstay.domain.estate import FilesSource
from backstay.kinds.files import FilesKind
from backstay.kinds.files.exclude import excluder, malformed, matches
from backstay.ports.kind import HoldRequest
from backstay.ports.progress import Silent
from kinds_at_work import Restic, workload

NAMES = ("a", "b", "ab", "A", ".a", "ä", "a b", "[", "!a", "a\\")
PIECES = (
    "a",
    "b",
    "ab",
    "A",
    "*",
    "**",
    "?",
    "a*",
    "*b",
    "[ab]",
    "[^a]",
    "[a-b]?",
    "\\a",
    "ä",
    ".*",
    "!a",
    "\\[",
    "[\\]x]",
)
# Each example is a run of restic, so a failing one is shown as it was found and not made smaller.
FEW = settings(
    max_examples=5,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
patterns = st.tuples(st.sampled_from(("", "/", "./")), st.lists(st.sampled_from(PIECES), min_size=1, max_size=3)).map(
    lambda parts: parts[0] + "/".join(parts[1])
)


def left(root: Path, chosen: tuple[str, ...]) -> set[str]:
    """What a walk from `root` down keeps."""
    excluded = excluder(chosen)
    assert excluded
    waiting, kept = [root], set()
    while waiting:
        path = waiting.pop()
        if not excluded(str(path)):
            kept.add(str(path))
            waiting += path.iterdir() if path.is_dir() else []
    return kept


def grow(root: Path) -> None:
    """Three levels of every name, with a file at the bottom."""
    for first, second in product(NAMES, NAMES[:5]):
        (root / first / second).mkdir(parents=True)
        for name in NAMES[:4]:
            (root / first / second / f"{name}x").touch()


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("forest") / "top"
    grow(root)
    return root


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trees")
    for number in range(25):
        grow(root / f"t{number:02d}")
    return root


@given(st.lists(st.builds(str.__add__, st.sampled_from(("", "", "!")), patterns), min_size=1, max_size=3))
@example(["*b", "!ab", "[^a]x"])
@example(["a*", "!/**/ab", "**/ax"])
@FEW
def test_patterns_at_any_depth_leave_out_what_restic_leaves_out(
    forest: Path, restic: Restic, chosen: list[str]
) -> None:
    stored = restic.paths(restic.backup([str(forest)], chosen))
    assert {path for path in stored if path.startswith(str(forest))} == left(forest, tuple(chosen))


@given(st.lists(patterns, min_size=25, max_size=25))
@FEW
def test_anchored_patterns_leave_out_what_restic_leaves_out(trees: Path, restic: Restic, chosen: list[str]) -> None:
    anchored = [f"{trees}/t{number:02d}/{pattern}" for number, pattern in enumerate(chosen)]
    stored = restic.paths(restic.backup([str(trees)], anchored))
    for number, pattern in enumerate(anchored):
        tree = f"{trees}/t{number:02d}"
        assert {path for path in stored if f"{path}/".startswith(f"{tree}/")} == left(Path(tree), (pattern,)), pattern


@given(st.lists(st.text("a[]-^\\*?/", min_size=1, max_size=5), min_size=30, max_size=30, unique=True))
@settings(FEW, max_examples=5)
def test_patterns_that_restic_refuses_are_refused_before_it_runs(
    restic: Restic, tmp_path: Path, chosen: list[str]
) -> None:
    """With one pattern that is certainly wrong, restic names all that are."""
    said = restic.run("backup", *(f"--exclude={one}" for one in (*chosen, "[")), str(tmp_path), check=False)
    refused = said.stderr.partition("provided:\n")[2].splitlines()
    assert {line for line in refused if line and line != "["} <= set(malformed(chosen))


@pytest.mark.parametrize(
    ("pattern", "path", "excluded"),
    [
        ("*.tmp", "/srv/a.tmp", True),
        ("*.tmp", "/srv/a.TMP", False),
        ("cache", "/srv/cache/deep/file", True),
        ("cache", "/srv/cached", False),
        ("a/b", "/srv/a/b/c", True),
        ("a/b", "/srv/a/x/b", False),
        ("a/**/b", "/srv/a/x/y/b", True),
        ("/srv", "/srv/x", True),
        ("/srv", "/home/srv", False),
        ("!a", "/srv/a", False),
        ("line*end", "/srv/line\nend", True),
        ("", "/srv", False),
        ("a/", "/srv/a", True),
    ],
)
def test_the_rules_by_example(pattern: str, path: str, excluded: bool) -> None:
    assert matches(pattern, path) is excluded


def test_a_pattern_that_cannot_be_read_is_the_authors_error(kind: FilesKind, tmp_path: Path) -> None:
    protected = workload(FilesSource((str(tmp_path),), ("fine", "[a")))
    with (
        pytest.raises(ConfigError, match=r"it: exclude pattern '\[a' cannot be read"),
        kind.hold(HoldRequest(protected, "run", str(tmp_path)), Silent()),
    ):
        pass
