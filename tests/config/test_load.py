"""A sound file becomes the estate that it describes."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from backstay.config import Loaded, find_estate, load, load_or_raise
from backstay.config.values import moment as local
from backstay.domain.errors import ConfigError
from backstay.domain.estate import (
    Blackout,
    CommandSource,
    DatabaseSource,
    Estate,
    Exemption,
    FilesSource,
    Here,
    Host,
    Keep,
    LaterSource,
    Link,
    Policy,
    Pool,
    Price,
    Question,
    Require,
    SqliteSource,
    Target,
    Window,
)
from backstay.domain.secrets import SecretRef

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(scope="module")
def full() -> Loaded:
    return load(str(EXAMPLES / "full.yaml"))


@pytest.fixture(scope="module")
def estate(full: Loaded) -> Estate:
    assert full.estate is not None
    return full.estate


def test_the_estate_at_large(estate: Estate) -> None:
    assert (estate.name, estate.timezone, estate.workflow) == ("acme", "Europe/Vienna", "auto")
    assert (estate.catalog, estate.job_share) == ("sqlite", 0.5)
    assert list(estate.workloads)[:3] == ["crm-db", "crm-files", "web-cache"]


def test_targets(estate: Estate) -> None:
    vault = Target("vault", "/srv/backups", write=300_000_000, capacity=4 * 10**12, region="at")
    assert estate.targets["vault"] == vault
    assert estate.targets["offsite"] == Target(
        "offsite",
        "s3://acme-backups/main",
        credentials=SecretRef("file", "/etc/backstay/s3"),
        region="eu-central-1",
        append_only=True,
        lock=timedelta(days=30),
        price=Price(0.005, 0.01, "EUR"),
    )


def test_hosts_links_pools_and_windows(estate: Estate) -> None:
    assert estate.here == Here(100_000_000, 3)
    assert estate.hosts == {"app1": Host("app1", "ssh://backup@10.0.0.11", 80_000_000, 2)}
    assert estate.links == {
        "wan": Link("wan", 12_500_000, {"07:00-19:00": 2_500_000}, ("offsite",), 0.2),
        "branch": Link("branch", 2_500_000, {"12:00-13:00": 0}, ("app1",)),
    }
    assert estate.pools["databases"] == Pool("databases", 4, None, ("postgresql", "mariadb"))
    assert estate.pools["files"] == Pool("files", 1, 3, ("files",))
    assert estate.windows == {
        "night": Window("night", "22:00", "06:00", "finish"),
        "weekend": Window("weekend", "08:00", "20:00", "stop", ("sat", "sun")),
    }


def test_blackouts_are_a_part_of_the_day_or_happen_once(estate: Estate) -> None:
    assert estate.blackouts == {
        "closing": Blackout("closing", "23:30-00:30", ("fri",)),
        "christmas": Blackout("christmas", begin=local("2026-12-24 18:00"), end=local("2026-12-27 06:00")),
    }


def test_policies(estate: Estate) -> None:
    assert estate.policies["gold"] == Policy(
        name="gold",
        rpo=timedelta(minutes=15),
        rto=timedelta(hours=1),
        keep=Keep(within=timedelta(days=7), daily=30, weekly=8, monthly=12, yearly=7),
        copies=("vault", "offsite"),
        verify=timedelta(days=7),
        drill=timedelta(days=91),
        window="night",
        require=Require(True, ("at", "eu-central-1"), timedelta(days=3650)),
    )


def test_workloads(estate: Estate) -> None:
    database, files, cache = (estate.workloads[name] for name in ("crm-db", "crm-files", "web-cache"))
    assert (database.source, database.group) == (DatabaseSource(SecretRef("env", "CRM_DSN")), "crm")
    assert files.source == FilesSource(("/srv/crm",), ("*.tmp",))
    assert (files.host, files.after, files.engine) == ("app1", ("crm-db",), "restic")
    assert files.owed is estate.policies["gold"]
    assert (cache.policy, cache.exempt) == (None, Exemption("rebuilt at deploy", date(2027, 3, 31)))


def test_each_kind_is_pointed_at_its_source(estate: Estate) -> None:
    sources = {name: workload.source for name, workload in estate.workloads.items()}
    assert sources["shop"] == SqliteSource("/var/lib/shop/shop.db")
    assert sources["registry"] == CommandSource(("registry", "export", "--all"), "registry.tar")
    assert sources["ledger"] == DatabaseSource("mysql://backup@10.0.0.12/ledger")
    assert sources["sessions"] == LaterSource(
        {"address": "127.0.0.1:6379", "password": SecretRef("env", "REDIS_PASSWORD")}
    )


def test_questions_have_a_name_or_a_number(estate: Estate) -> None:
    assert estate.workloads["shop"].ask == (
        Question("orders are there", query="SELECT count(*) > 0 FROM orders", expect="1"),
        Question("question 2", command=("test", "-s", "shop.db")),
    )


def test_ten_lines_are_enough() -> None:
    path = EXAMPLES / "minimal.yaml"
    assert len(path.read_text().splitlines()) == 10
    loaded = load(str(path))
    assert loaded.findings == ()
    assert loaded.estate is not None
    papers = loaded.estate.workloads["papers"]
    assert loaded.estate.timezone == "UTC"
    assert loaded.estate.target_of(papers).name == "disk"
    assert papers.owed.keep == Keep()


def test_values_stay_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "estate.yaml"
    path.write_text(
        "estate: 1.10\n"
        "targets: {no: {url: /srv/backups, region: 2027-03-31}}\n"
        "windows: {night: {open: 22:00, close: 06:00}}\n"
        "hosts:\n"
        "policies: {gold: {rpo: 1d, copies: [no]}}\n"
        "workloads: {a: {kind: files, paths: [/a], exclude: [1_000, 0x1F, ~x], policy: gold}}\n"
    )
    estate = load_or_raise(str(path))
    assert (estate.name, list(estate.targets)) == ("1.10", ["no"])
    assert estate.targets["no"].region == "2027-03-31"
    assert (estate.windows["night"].open, estate.windows["night"].close) == ("22:00", "06:00")
    assert estate.workloads["a"].source == FilesSource(("/a",), ("1_000", "0x1F", "~x"))


def test_a_target_inside_a_source_is_sound_when_it_is_excluded(tmp_path: Path) -> None:
    path = tmp_path / "estate.yaml"
    path.write_text(
        "estate: a\n"
        "targets: {disk: {url: /srv/backups}}\n"
        "policies: {gold: {rpo: 1d}}\n"
        "workloads: {all: {kind: files, paths: [/], exclude: [/srv/backups], policy: gold}}\n"
    )
    assert load(str(path)).findings == ()


NOT_YET = [
    "targets.vault.capacity",
    "targets.vault.region",
    "targets.offsite.region",
    "targets.offsite.lock",
    "targets.offsite.price",
    "policies.gold.keep",
    "policies.gold.copies[1]",
    "policies.gold.verify",
    "policies.gold.require.delete_after",
    "policies.gold.require.regions",
    "workloads.ledger.kind",
    "workloads.sessions.kind",
    "workloads.build-vm.kind",
    "workloads.laptops.kind",
]


@pytest.mark.parametrize("subject", NOT_YET)
def test_what_is_not_acted_on_yet_is_named_with_its_line(full: Loaded, subject: str) -> None:
    (finding,) = [finding for finding in full.findings if finding.subject == subject]
    assert (finding.code, finding.severity) == ("not-yet", "warning")
    key = subject.replace("[1]", "").rsplit(".", 1)[-1]
    assert finding.line is not None
    assert f"{key}:" in (EXAMPLES / "full.yaml").read_text().splitlines()[finding.line - 1]


def test_only_what_is_not_acted_on_yet_is_named(full: Loaded) -> None:
    assert {finding.subject for finding in full.findings} == set(NOT_YET)
    assert {finding.severity for finding in full.findings} == {"warning"}


@pytest.mark.parametrize(
    ("old", "new", "subject"),
    [
        ("region: at}", "region: at, repositories: host}", "targets.vault.repositories"),
        ("kind: sqlite", "kind: sqlite\n    host: app1", "workloads.shop.host"),
    ],
)
def test_shared_repositories_and_far_sqlite_databases_are_not_acted_on_yet(
    tmp_path: Path, old: str, new: str, subject: str
) -> None:
    path = tmp_path / "estate.yaml"
    path.write_text((EXAMPLES / "full.yaml").read_text().replace(old, new))
    assert [finding.code for finding in load(str(path)).findings if finding.subject == subject] == ["not-yet"]


def test_a_workload_of_localhost_is_one_of_this_machine(tmp_path: Path) -> None:
    text = (EXAMPLES / "minimal.yaml").read_text()
    path = tmp_path / "estate.yaml"
    path.write_text(text.replace("kind: files,", "kind: files, host: localhost,"))
    estate = load(str(path)).estate
    assert path.read_text() != text
    assert estate is not None
    assert {workload.host for workload in estate.workloads.values()} == {None}
    assert (estate.here, estate.hosts) == (Here(), {})


def test_the_file_is_looked_for_in_four_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BACKSTAY_ESTATE", raising=False)
    monkeypatch.setattr("backstay.config.find.PLACES", ("estate.yaml", str(tmp_path / "etc.yaml")))
    with pytest.raises(ConfigError, match="no estate file") as raised:
        find_estate(None)
    assert "backstay init" in str(raised.value.hint)
    (tmp_path / "etc.yaml").touch()
    assert find_estate(None) == str(tmp_path / "etc.yaml")
    (tmp_path / "estate.yaml").touch()
    assert find_estate(None) == "estate.yaml"
    monkeypatch.setenv("BACKSTAY_ESTATE", "/srv/other.yaml")
    assert find_estate(None) == "/srv/other.yaml"
    assert find_estate("mine.yaml") == "mine.yaml"


def test_reading_a_file_is_quick_and_loads_no_database() -> None:
    program = (
        "import sys, time; from backstay.config import load; load(sys.argv[1]); begun = time.process_time();"
        "assert load(sys.argv[1]).estate; assert time.process_time() - begun < 0.2;"
        "assert not {'sqlalchemy', 'dbos', 'psycopg'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program, str(EXAMPLES / "full.yaml")], check=True)
