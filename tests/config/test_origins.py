"""Every effective value remembers where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from backstay.config import Origin, load

FULL = str(Path(__file__).parents[2] / "docs" / "examples" / "full.yaml")


@pytest.fixture(scope="module")
def origins() -> Mapping[str, Origin]:
    return load(FULL).origins


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("estate", "acme"),
        ("timezone", "Europe/Vienna"),
        ("targets.vault.write", "300MB/s"),
        ("targets.offsite.price.egress", "0.01/GB"),
        ("policies.gold.rpo", "15m"),
        ("policies.gold.keep.daily", "30"),
        ("policies.gold.copies", "[vault, offsite]"),
        ("workloads.crm-files.exclude", "[*.tmp]"),
        ("workloads.web-cache.exempt.reason", "rebuilt at deploy"),
        ("workloads.shop.ask[0].query", "SELECT count(*) > 0 FROM orders"),
        ("workloads.shop.ask[1].command", "[test, -s, shop.db]"),
    ],
)
def test_a_given_value_names_its_line(origins: Mapping[str, Origin], path: str, text: str) -> None:
    origin = origins[path]
    file, _, line = origin.place.rpartition(":")
    assert (origin.text, file) == (text, FULL)
    assert text.strip("[]").split(",")[0] in Path(FULL).read_text().splitlines()[int(line) - 1]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("targets.vault.append_only", "false"),
        ("targets.vault.repositories", "workload"),
        ("targets.vault.lock", "none"),
        ("policies.gold.keep.last", "none"),
        ("workloads.crm-db.engine", "restic"),
        ("workloads.crm-db.host", "this machine"),
        ("workloads.crm-db.plausible.shrink", "50%"),
        ("workloads.shop.ask[0].checksum", "none"),
    ],
)
def test_what_is_not_given_is_a_default(origins: Mapping[str, Origin], path: str, text: str) -> None:
    assert origins[path] == Origin(text, "default")


def test_a_wrong_file_has_no_effective_values(tmp_path: Path) -> None:
    path = tmp_path / "estate.yaml"
    path.write_text("estate: a\n")
    assert load(str(path)).origins == {}
