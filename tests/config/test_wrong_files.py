"""A wrong file is told about with its line and a sentence; nothing is raised, and no secret is shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from backstay.config import Loaded, load, load_or_raise
from backstay.domain.errors import ConfigError, ExitCode

SECRET = "canary-swordfish"

SOUND = """\
estate: acme
targets:
  vault: {url: /srv/backups}
policies:
  gold: {rpo: 1d}
workloads:
  papers: {kind: files, paths: [/home/me], policy: gold}
"""


def having(line: int, text: str) -> str:
    """The sound file with one line replaced."""
    lines = SOUND.splitlines()
    lines[line - 1] = text
    return "\n".join(lines) + "\n"


def workload(rest: str) -> str:
    return having(7, f"  papers: {{{rest}}}")


def policy(rest: str) -> str:
    return having(5, f"  gold: {{{rest}}}")


def target(rest: str) -> str:
    return having(3, f"  vault: {{{rest}}}")


def top(text: str) -> str:
    """The sound file with something below its first line."""
    return having(1, f"estate: acme\n{text}")


def windows(*written: str, after: Mapping[str, str] = MappingProxyType({}), **workloads: str) -> str:
    """A file with windows, and a workload in each."""
    owed = [f"  {window}: {{rpo: 7d, window: {window}}}" for window in workloads]
    taken = [
        f"  {name}: {{kind: files, paths: [/home/me], policy: {window}, after: [{after.get(name, '')}]}}"
        for window, name in workloads.items()
    ]
    lines = ["estate: acme", "targets: {vault: {url: /srv/backups}}", "policies:", *owed, "workloads:", *taken]
    return "\n".join([*lines, "windows:", *(f"  {window}" for window in written)]) + "\n"


FILES = "kind: files, paths: [/home/me], policy: gold"
POSTGRESQL = "kind: postgresql, policy: gold"

WRONG: list[tuple[str, int | None, str]] = [
    # the form of the file
    ("", 1, "the file is empty"),
    ("# nothing\n", 1, "the file is empty"),
    ("- a\n- b\n", 1, "keys such as 'estate:' are wanted"),
    ("acme\n", 1, "keys such as 'estate:' are wanted"),
    (SOUND + "---\nestate: other\n", 8, "a second document begins"),
    (having(3, "\tvault: {url: /srv/backups}"), 3, "a tab; indent with spaces"),
    (having(3, "  vault: {url: /srv/backups"), 4, "not YAML"),
    (SOUND + "hosts: [", 8, "not YAML"),
    (SOUND + "hosts: 'a\nb", 8, "not YAML"),
    (having(3, "  vault: url: /srv/backups"), 3, "a ':' that cannot be understood"),
    (having(3, "  vault: !include vault.yaml"), 3, "tags such as !include are not read"),
    (workload(f"{FILES}, exclude: [*.tmp]"), 7, "begins with '*'"),
    (having(3, "  <<: {}\n  vault: {url: /srv/backups}"), 3, "merging with '<<' is not read"),
    (having(3, "  ? [vault]\n  : {url: /srv/backups}"), 3, "a key must be a word"),
    (SOUND + "  papers: {kind: sqlite, path: /a.db, policy: gold}\n", 8, "'papers' is given twice, first in line 7"),
    (policy("rpo: 1d, rpo: 2d"), 5, "'rpo' is given twice"),
    (having(1, "estate: " + "[" * 40 + "]" * 40), 1, "nested too deep"),
    (having(1, 'estate: "a\\0b"'), 1, "holds a control character"),
    (having(1, "estate: a\x01b"), 1, "a control character"),
    (having(1, 'estate: "\\U99999999"'), None, "an escape that stands for no character"),
    # keys
    (policy("rpo: 1d, dril: weekly"), 5, "policies.gold: unknown key 'dril'; did you mean 'drill'?"),
    (
        workload("kind: files, paths: [/a], polcy: gold"),
        7,
        "workloads.papers: unknown key 'polcy'; did you mean 'policy'?",
    ),
    (having(2, "colour: red\ntargets:"), 2, "unknown key 'colour'"),
    (policy("drill: weekly"), 5, "policies.gold: needs 'rpo'"),
    (having(1, "timezone: UTC"), 1, "needs 'estate'"),
    (workload("kind: files, paths: [/a, ~, b], policy: gold"), 7, "workloads.papers.paths[1]: says nothing"),
    (policy("rpo: 1d, copies: [~]"), 5, "policies.gold.copies[0]: says nothing"),
    (policy("rpo: , drill: weekly"), 5, "policies.gold.rpo: says nothing"),
    (having(2, "targets: {}\nhosts:"), 2, "targets: is empty"),
    (having(3, "  vault: /srv/backups"), 3, "targets.vault: is one value, but keys are wanted"),
    (policy("rpo: 1d, copies: vault"), 5, "policies.gold.copies: is one value, but a list is wanted"),
    (policy("rpo: [1d]"), 5, "policies.gold.rpo: is a list, but one value is wanted"),
    # values
    (policy("rpo: 15 min"), 5, "policies.gold.rpo: '15 min' is not a span; write 15m, 2h or 1d"),
    (policy("rpo: 15"), 5, "'15' is not a span"),
    (policy("rpo: 0m"), 5, "'0m' is not a span"),
    (policy("rpo: 99999y"), 5, "longer than 1000y"),
    (policy("rpo: 1d, drill: sometimes"), 5, "'sometimes' is not a cadence"),
    (policy("rpo: 1d, keep: {daily: 0}"), 5, "0 is not a number from 1"),
    (policy("rpo: 1d, keep: {daily: 1_000}"), 5, "'1_000' is not a whole number"),
    (policy("rpo: 1d, keep: {}"), 5, "policies.gold.keep: says nothing"),
    (policy("rpo: 1d, require: {encryption: no}"), 5, "'no' is not true or false"),
    (target("url: backups"), 3, "'backups' is not an absolute path or a URL"),
    (target("url: /srv/backups, capacity: 0TB"), 3, "'0TB' is nothing"),
    (target("url: /srv/backups, capacity: 4 TB"), 3, "'4 TB' is not a size"),
    (target("url: /srv/backups, write: 80MB"), 3, "'80MB' is not a rate; did you mean '80MB/s'?"),
    (target("url: /srv/backups, write: 100Mb/s"), 3, "'100Mb/s' is not a rate; did you mean '100Mbit/s'?"),
    (target("url: /srv/backups, write: 1 Gbps"), 3, "'1 Gbps' is not a rate; did you mean '1Gbit/s'?"),
    (target("url: /srv/backups, write: 10 MiB/s"), 3, "'10 MiB/s' is not a rate; did you mean '10MiB/s'?"),
    (target("url: /srv/backups, write: 80mb/s"), 3, "'80mb/s' is not a rate; write 80MB/s or 100Mbit/s"),
    (target("url: /srv/backups, write: -80MB/s"), 3, "'-80MB/s' is not a rate; write 80MB/s or 100Mbit/s"),
    (target("url: /srv/backups, write: 8.0.0MB"), 3, "'8.0.0MB' is not a rate; write 80MB/s or 100Mbit/s"),
    (target("url: /srv/backups, write: 80B/s"), 3, "'80B/s' is too little for any backup; write 1kB/s or more"),
    (
        top("links:\n  wan: {capacity: 1MB/s, reaches: [vault], hours: {7:00-19:00: 1kbit/s}}"),
        3,
        "'1kbit/s' is too little for any backup; write 1kB/s or more",
    ),
    (top("job_share: 0.5%"), 2, "'0.5%' leaves too little; write 50% or 0.5, 1% at least"),
    (target("url: /srv/backups, price: {store: 0.005/GB}"), 3, "'0.005/GB' is not a price of keeping"),
    (target("url: /srv/backups, repositories: hosts"), 3, "unknown value 'hosts'; did you mean 'host'?"),
    (having(3, "  Vault: {url: /srv/backups}"), 3, "targets: 'Vault' is not a name"),
    (having(7, f"  {'p' * 65}: {{{FILES}}}"), 7, "too long"),
    (having(1, "estate: acme\njob_share: 50"), 2, "'50' is not a share; write 50% or 0.5"),
    (having(1, "estate: acme\njob_share: 0%"), 2, "'0%' leaves nothing"),
    (having(1, "estate: acme\ntimezone: Europe/Wien"), 2, "unknown time zone 'Europe/Wien'"),
    (having(1, "estate: acme\ntimezone: ../../etc/passwd"), 2, "unknown time zone"),
    (having(1, "estate: acme\nwindows:\n  night: {open: 22:00, close: 22:00}"), 3, "windows.night.close: never opens"),
    (having(1, "estate: acme\nwindows:\n  night: {open: 25:00, close: 22:00}"), 3, "'25:00' is not a time of day"),
    (
        having(1, "estate: acme\nlinks:\n  wan: {capacity: 1MB/s, hours: {day: 1MB/s}}"),
        3,
        "'day' is not a part of the day",
    ),
    (
        workload("kind: fils, paths: [/a], policy: gold"),
        7,
        "workloads.papers.kind: unknown kind 'fils'; did you mean 'files'?",
    ),
    (workload("paths: [/a], policy: gold"), 7, "workloads.papers: needs 'kind'"),
    (
        workload("kind: files, paths: [home], policy: gold"),
        7,
        "workloads.papers.paths[0]: 'home' is not an absolute path",
    ),
    (workload("kind: files, paths: [], policy: gold"), 7, "workloads.papers.paths: is empty"),
    (workload(f'{FILES}, exclude: [""]'), 7, "workloads.papers.exclude[0]: is an empty text"),
    (workload(f"{FILES}, engine: pgbackrest"), 7, "unknown value 'pgbackrest'; there are restic, archive"),
    (workload(f"{FILES}, plausible: {{shrink: 200%}}"), 7, "'200%' is not a share"),
    (workload("kind: command, command: df -h, file_name: df, policy: gold"), 7, "a list is wanted"),
    (workload("kind: command, command: [df], file_name: a/df, policy: gold"), 7, "'a/df' is not a file name"),
    (workload("kind: files, paths: [/a], exempt: {reason: scratch, review_by: soon}"), 7, "'soon' is not a date"),
    (
        workload("kind: files, paths: [/a], exempt: {reason: scratch, review_by: 2027-02-30}"),
        7,
        "no day of the calendar",
    ),
    (
        workload("kind: files, paths: [/a], exempt: {review_by: 2027-03-31}"),
        7,
        "workloads.papers.exempt: needs 'reason'",
    ),
    (workload(f"{FILES}, ask: [{{query: SELECT 1, expect: 1}}]"), 7, "asks a query, which only databases answer"),
    (workload(f"{FILES}, ask: [{{command: [a], checksum: b}}]"), 7, "ask[0]: asks one thing"),
    (workload(f"{FILES}, ask: [{{command: [a], expect: b}}]"), 7, "ask[0].expect: means nothing to a command"),
    (workload(f"{FILES}, ask: [{{checksum: a, expect: b}}]"), 7, "ask[0].expect: is not a SHA-256"),
    (target("url: /srv/backups, write: 0MB/s"), 3, "'0MB/s' is nothing; write more than 0B"),
    (target("url: /srv/backups, slots: 0"), 3, "0 is not a number from 1"),
    (having(1, "estate: acme\njob_share: 120%"), 2, "'120%' is not a share; write 50% or 0.5"),
    (top("links:\n  wan: {capacity: 0Mbit/s, reaches: [vault]}"), 3, "links.wan.capacity: '0Mbit/s' is nothing"),
    (
        top("links:\n  wan: {capacity: 1Mbit/s, reaches: [vault], leave: 95%}"),
        3,
        "links.wan.leave: '95%' leaves backups too little; write 90% at most",
    ),
    (top("pools:\n  all: {slots: 0, kinds: [files]}"), 3, "pools.all.slots: 0 is not a number from 1"),
    (top("windows:\n  night: {open: 22:00, close: 6:00, days: []}"), 3, "windows.night.days: is empty"),
    (top("windows:\n  night: {open: 22:00, close: 6:00, days: [monday]}"), 3, "unknown value 'monday'"),
    (top("blackouts:\n  lunch: {hours: 12:00}"), 3, "'12:00' is not a part of the day; write 07:00-19:00"),
    (top("blackouts:\n  xmas: {begin: 2026-12-24}"), 3, "'2026-12-24' is not a date and time"),
    (top("blackouts:\n  xmas: {begin: 2026-02-30 12:00, end: 2026-12-24 12:00}"), 3, "no day of the calendar"),
    (top("blackouts:\n  xmas: {begin: 2026-12-24 18:00}"), 3, "blackouts.xmas: needs 'end' beside the other"),
    (top("blackouts:\n  xmas: {begin: 2026-12-24 18:00, end: 2026-12-24 18:00}"), 3, "xmas.end: is not after begin"),
    (top("blackouts:\n  a: {hours: 1:00-2:00, end: 2026-12-24 18:00}"), 3, "is a part of each day or happens once"),
    (top("blackouts:\n  a: {days: [mon]}"), 3, "is a part of each day or happens once"),
    (
        top("blackouts:\n  a: {begin: 2026-12-24 18:00, end: 2026-12-25 18:00, days: [mon]}"),
        3,
        "blackouts.a.days: mean nothing to what happens once",
    ),
    *(
        (top(f'hosts:\n  app1: {{address: "{address}"}}'), 3, "is not an address; write ssh://user@host")
        for address in ("app1", "ssh://", "ssh://a b@c", "ssh://me@app1/srv", "ssh://@app1", "ssh://-oProxyCommand=x")
    ),
    (top('hosts:\n  app1: {address: "ssh://me@app1:0"}'), 3, "has no port of TCP; write one from 1 to 65535"),
    (top('hosts:\n  app1: {address: "ssh://me@app1:65536"}'), 3, "has no port of TCP"),
    # one part against another
    (top("hosts:\n  app1: {read: 80MB/s}"), 3, "hosts.app1: needs 'address'; only localhost, which is this machine"),
    (
        top("hosts:\n  localhost: {address: ssh://me@127.0.0.1, slots: 2}"),
        3,
        "hosts.localhost.address: localhost is this machine, which needs none; take it out, or call the host something",
    ),
    (top("hosts:\n  localhost: {}"), 3, "hosts.localhost: says nothing; write read or slots, or take it out"),
    (
        top("links:\n  wan: {capacity: 1MB/s, reaches: [vault, localhost]}"),
        3,
        "links.wan.reaches[1]: localhost is this machine, before every link; name the targets and hosts behind it",
    ),
    (top("links:\n  wan: {capacity: 1MB/s}"), 3, "links.wan.reaches: reaches nothing; name the targets and hosts"),
    (top("links:\n  wan: {capacity: 1MB/s, reaches: []}"), 3, "reaches nothing; name the targets and hosts behind it"),
    (
        top("links:\n  wan: {capacity: 1MB/s, reaches: [ap1]}\nhosts:\n  app1: {address: ssh://me@app1}"),
        3,
        "unknown target or host 'ap1'; did you mean 'app1'?",
    ),
    (
        top(
            'links:\n  wan:\n    capacity: 1MB/s\n    hours:\n      "07:00-19:00": 1MB/s\n      "18:00-20:00": 2MB/s\n'
            "    reaches: [vault]"
        ),
        7,
        "'18:00-20:00' overlaps '07:00-19:00'; let one begin where the other ends",
    ),
    (
        top('links:\n  wan: {capacity: 1MB/s, reaches: [vault], hours: {"22:00-06:00": 1MB/s, "5:00-7:00": 2MB/s}}'),
        3,
        "'5:00-7:00' overlaps '22:00-06:00'",
    ),
    (
        top('links:\n  wan: {capacity: 1MB/s, reaches: [vault], hours: {"0:00-12:00": 0MB/s, "12:00-0:00": 0B/s}}'),
        3,
        "links.wan.hours: carries nothing at any hour; give a part of the day more than 0MB/s",
    ),
    (top("pools:\n  all: {slots: 1}"), 3, "pools.all.kinds: nothing uses it; name a kind that there is (files)"),
    (top("pools:\n  all: {slots: 1, kinds: [mariadb, redis]}"), 3, "pools.all.kinds: nothing uses it"),
    (
        top('windows:\n  night: {open: 22:00, close: 6:00}\nblackouts:\n  dark: {hours: "21:00-07:00"}'),
        3,
        "windows.night.open: never opens: blackouts cover all of it; shorten one",
    ),
    (
        top(
            "windows:\n  week: {open: 1:00, close: 2:00, days: [sun]}\nblackouts:\n"
            '  dark: {hours: "23:00-03:00", days: [sat]}'
        ),
        3,
        "windows.week.open: never opens",
    ),
    (top('blackouts:\n  a: {hours: "0:00-12:00"}\n  b: {hours: "12:00-0:00"}'), 2, "no minute of the week is left"),
    (
        windows("night: {open: 22:00, close: 6:00}", night="papers")
        + 'links:\n  wan: {capacity: 1MB/s, reaches: [vault], hours: {"21:00-07:00": 0MB/s}}\n',
        6,
        "workloads.papers: can never run: wan carries nothing while the window night is open",
    ),
    (
        windows(
            "sat: {open: 8:00, close: 20:00, days: [sat]}",
            "mon: {open: 8:00, close: 20:00, days: [mon]}",
            sat="papers",
            mon="index",
            after={"papers": "index"},
        ),
        7,
        "workloads.papers.after[0]: the window sat does not open within a day of index's window mon",
    ),
    (workload("kind: files, paths: [/home/me]"), 7, "workloads.papers: has no policy"),
    (workload(f"{FILES}, exempt: {{reason: a, review_by: 2027-03-31}}"), 7, "papers.exempt: stands beside a policy"),
    (workload("kind: files, paths: [/a], policy: glod"), 7, "unknown policy 'glod'; did you mean 'gold'?"),
    (workload(f"{FILES}, host: app1"), 7, "unknown host 'app1'; the file has no hosts"),
    (workload(f"{FILES}, after: [paper]"), 7, "unknown workload 'paper'; did you mean 'papers'?"),
    (workload(f"{FILES}, after: [papers]"), 7, "workloads: papers > papers wait for one another"),
    (policy("rpo: 1d, copies: [vualt]"), 5, "policies.gold.copies[0]: unknown target 'vualt'; did you mean 'vault'?"),
    (policy("rpo: 1d, copies: [vault, vault]"), 5, "policies.gold.copies[1]: 'vault' is listed twice"),
    (policy("rpo: 1d, window: night"), 5, "unknown window 'night'"),
    (policy("rpo: 1d, require: {regions: [at]}"), 5, "no target is in region 'at'"),
    (policy("rpo: 1d, keep: {yearly: 7}, require: {delete_after: 5y}"), 5, "5y is in conflict with keep.yearly"),
    (policy("rpo: 1d, keep: {within: 30d}, require: {delete_after: 8d}"), 5, "in conflict with keep.within"),
    (policy("rpo: 1d, require: {delete_after: 1d}"), 5, "1d is in conflict with rpo"),
    (
        having(1, "estate: acme\npools:\n  all: {slots: 1, kinds: [mysql]}"),
        3,
        "pools.all.kinds[0]: unknown value 'mysql'",
    ),
    (having(1, "estate: acme\nlinks:\n  wan: {capacity: 1MB/s, reaches: [cloud]}"), 3, "unknown target 'cloud'"),
    (workload("kind: files, paths: [/srv], policy: gold"), 7, "'/srv' holds the target vault, a backup into itself"),
    (workload("kind: files, paths: [/srv/backups/x], policy: gold"), 7, "lies in the target vault"),
    (workload("kind: sqlite, path: /srv/backups/a.db, policy: gold"), 7, "lies in the target vault"),
]


@pytest.mark.parametrize(("text", "line", "needle"), WRONG, ids=[needle[:50] for _, _, needle in WRONG])
def test_a_wrong_file_is_told_about_with_its_line(tmp_path: Path, text: str, line: int | None, needle: str) -> None:
    loaded = loading(tmp_path, text)
    assert loaded.estate is None
    found = [finding for finding in loaded.findings if needle in finding.message]
    assert [(finding.line, finding.severity) for finding in found] == [(line, "error")], loaded.findings


LEAKS = [
    workload(f'{POSTGRESQL}, dsn: "postgresql://crm:{SECRET}@db/crm"'),
    workload(f'{POSTGRESQL}, dsn: "postgresql://crm:{SECRET}/with@signs@db/crm"'),
    workload(f'{POSTGRESQL}, dsn: "host=db dbname=crm password={SECRET}"'),
    workload(f'{POSTGRESQL}, dsn: "postgresql:///crm?password={SECRET}"'),
    workload(f"{POSTGRESQL}, dsn: {SECRET}"),
    workload(f'{POSTGRESQL}, dsn: "vault:{SECRET}"'),
    target(f"url: /srv/backups, password: {SECRET}"),
    target(f'url: /srv/backups, credentials: "plain:{SECRET}"'),
    target(f'url: /srv/backups, password: "env:{SECRET}"'),
    target(f"url: /srv/backups, pasword: {SECRET}"),
    target(f'url: "rest:https://me:{SECRET}@backup/"'),
    target(f"url: /srv/backups, password: [{SECRET}]"),
    having(1, f'estate: acme\nhosts: {{app1: {{address: "ssh://backup:{SECRET}@10.0.0.11"}}}}'),
    having(1, f'estate: acme\ncatalog: "postgresql://me:{SECRET}@db/backstay"'),
    workload(f'kind: files, paths: ["https://me:{SECRET}@nas/"], policy: gold'),
    workload(f"kind: command, command: [mysqldump, --password={SECRET}], file_name: a, policy: gold"),
    workload(f"kind: command, command: [/usr/bin/mysqldump, -p{SECRET}], file_name: a, policy: gold"),
    workload(f"kind: command, command: [tool, --password, {SECRET}], file_name: a, policy: gold"),
    workload(f'kind: command, command: [sh, -c, "PGPASSWORD={SECRET} pg_dump"], file_name: a, policy: gold'),
    workload(f'kind: files, paths: [/a], policy: "postgresql://me:{SECRET}@db/"'),
    workload(f'kind: files, paths: [/a], policy: gold, "postgresql://me:{SECRET}@db/": 1'),
    having(7, f'  "postgresql://me:{SECRET}@db/": {{kind: files}}'),
    having(7, f"  papers: {{kind: redis, address: localhost, password: '{SECRET}"),
]


@pytest.mark.parametrize("text", LEAKS)
def test_a_password_in_the_file_is_an_error_that_does_not_show_it(tmp_path: Path, text: str) -> None:
    loaded = loading(tmp_path, text)
    assert loaded.estate is None
    line = text[: text.index(SECRET)].count("\n") + 1
    assert line in [finding.line for finding in loaded.findings]
    assert SECRET not in repr(loaded)
    with pytest.raises(ConfigError) as raised:
        load_or_raise(loaded.path)
    assert SECRET not in repr((raised.value.message, raised.value.details()))


SOUND_REFERENCES = [
    workload(f'{POSTGRESQL}, dsn: "postgresql:///crm?host=/run/postgresql"'),
    workload(f'{POSTGRESQL}, dsn: "host=/run/postgresql dbname=crm passfile=/etc/pgpass"'),
    workload(f'{POSTGRESQL}, dsn: "postgresql://crm@db:5432/crm"'),
    workload(f'{POSTGRESQL}, dsn: "keyring:crm/backup"'),
    workload(f'{POSTGRESQL}, dsn: "cmd:pass show crm"'),
    target("url: /srv/backups, password: env:VAULT_KEY"),
    target('url: "sftp://backup@nas:22/copies@home"'),
    *(
        top(f'hosts: {{app1: {{address: "{address}"}}}}')
        for address in ("ssh://app1", "ssh://me@app1", "ssh://me@10.0.0.1:2222", "ssh://my.name@[fe80::1%eth0]:22")
    ),
    workload('kind: command, command: [sh, -c, "tool --password=$KEY"], file_name: a, policy: gold'),
    workload("kind: command, command: [tool, --password-file=/etc/key], file_name: a, policy: gold"),
    workload(
        "kind: sqlite, path: /a.db, policy: gold,"
        """ ask: [{query: "SELECT count(*) FROM users WHERE password = 'x'", expect: 0}]"""
    ),
]


@pytest.mark.parametrize("text", SOUND_REFERENCES)
def test_references_and_addresses_without_password_are_sound(tmp_path: Path, text: str) -> None:
    assert loading(tmp_path, text).estate is not None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_secret_file_that_others_can_read_is_an_error_with_its_mode(tmp_path: Path, mode: int) -> None:
    key = tmp_path / "key"
    key.write_text("x")
    key.chmod(mode)
    (finding,) = loading(tmp_path, target(f"url: /srv/backups, password: file:{key}")).findings
    assert finding.line == 3
    assert f"{key} can be read by others (mode {mode:04o}); run chmod 600 {key}" in finding.message
    key.chmod(0o600)
    assert loading(tmp_path, target(f"url: /srv/backups, password: file:{key}")).estate is not None


def test_aliases_that_multiply_are_refused_before_they_are_expanded(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]
    (finding,) = loading(tmp_path, "\n".join(lines)).findings
    assert "aliases that stand for more than" in finding.message
    assert finding.line == 4


def test_an_alias_that_holds_itself_is_refused(tmp_path: Path) -> None:
    (finding,) = loading(tmp_path, "estate: acme\na: &a [*a]\n").findings
    assert (finding.line, "no known alias" in finding.message) == (2, True)


def test_a_file_that_cannot_be_read_is_told_about(tmp_path: Path) -> None:
    missing = load(str(tmp_path / "none.yaml"))
    assert "cannot be read: no such file" in missing.findings[0].message
    assert "is a directory" in load(str(tmp_path)).findings[0].message
    binary = tmp_path / "latin.yaml"
    binary.write_bytes("estate: acme\n# Müller\n".encode("latin-1"))
    assert [(finding.line, finding.message) for finding in load(str(binary)).findings] == [(2, "not UTF-8 text")]


def test_all_errors_are_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = """\
estate: acme
targets:
  vault: {url: /srv/backups}
policies:
  gold: {rpo: 15 min}
workloads:
  crm-db: {kind: postgresql, dsn: "env:CRM", polcy: gold, after: [crm-files]}
  crm-files: {kind: files, paths: [/srv/crm], policy: gold, after: [crm-db]}
"""
    assert [(finding.line, finding.message) for finding in loading(tmp_path, text).findings] == [
        (5, "policies.gold.rpo: '15 min' is not a span; write 15m, 2h or 1d"),
        (7, "workloads.crm-db: unknown key 'polcy'; did you mean 'policy'?"),
        (7, "workloads: crm-db > crm-files > crm-db wait for one another"),
    ]


def test_the_first_error_is_raised_and_counts_the_others(tmp_path: Path) -> None:
    loaded = loading(tmp_path, policy("rpo: 15 min, rto: 1, drill: x"))
    with pytest.raises(ConfigError, match="'15 min' is not a span") as raised:
        load_or_raise(loaded.path)
    assert (raised.value.path, raised.value.line) == (loaded.path, 5)
    assert raised.value.hint == "2 more are wrong; backstay check lists all."
    assert raised.value.exit_code == ExitCode.WRONG_INPUT


def test_the_sound_file_is_sound(tmp_path: Path) -> None:
    assert loading(tmp_path, SOUND).findings == ()


def loading(folder: Path, text: str) -> Loaded:
    path = folder / "estate.yaml"
    path.write_text(text, encoding="utf-8")
    return load(str(path))
