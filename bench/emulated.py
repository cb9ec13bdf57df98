"""An estate of six hosts behind two slow links, two targets, and workloads of every kind: real servers, real tools."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from far_hosts import FarHost, FarHosts, Link, far_hosts
from postgres import PrivatePostgres, private_postgres

LINKS = {"wan": 2_875_000, "mpls": 4_000_000}
"""23 and 32 Mbit/s, in bytes per second on the wire."""

PAYLOAD = 0.945
"""What is left of the wire for bytes of backups: Ethernet, IP, TCP and SSH take the rest (1,448 of 1,514 bytes and a
few of each SSH packet)."""

LEFT = {"wan": 0.1, "mpls": 0.03}
"""What backups leave of a link: what they do unless told otherwise, and less where nobody else is."""

HOSTS = {"wan": ("app1", "app2", "app3"), "mpls": ("nas1", "nas2", "nas3")}
DISK = 0.6
"""What a host's disk reads, as a part of what its link carries: none can fill its link alone."""

TARGETS = {"wan": "vault", "mpls": "offsite"}
TARGET_RATE = 12_000_000
SLOTS = 2


@dataclass(frozen=True, slots=True)
class Work:
    """One workload: `where` is a path on its host, or a database's name here."""

    name: str
    kind: str
    host: str | None
    link: str | None
    target: str
    where: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Emulated:
    """The estate as it stands: its hosts run, its data lies there."""

    root: Path
    far: FarHosts
    links: dict[str, Link]
    hosts: dict[str, FarHost]
    server: PrivatePostgres
    works: tuple[Work, ...]

    def environment(self) -> dict[str, str]:
        """Under which both sides find the hosts."""
        return {**os.environ, "HOME": str(self.far.home)}

    def estate_file(self, folder: Path, workflow: str = "auto") -> Path:
        """The estate file for repositories below `folder`, which are there already."""
        path = folder / "estate.yaml"
        path.write_text("\n".join(self._lines(folder, workflow)) + "\n")
        return path

    def _lines(self, folder: Path, workflow: str) -> Iterator[str]:
        yield from ("estate: emulated", "timezone: UTC", f"workflow: {workflow}", "targets:")
        for target in TARGETS.values():
            password = f"file:{self.root / 'password'}"
            rate = f"write: {TARGET_RATE}B/s, slots: 12"
            yield f"  {target}: {{url: {folder / target}, {rate}, password: '{password}'}}"
        yield "hosts:"
        for host in self.hosts.values():
            read = f"read: {disk_of(host.name)}B/s"
            yield f"  {host.name}: {{address: '{host.address}', {read}, slots: {SLOTS}}}"
        yield "links:"
        for link, names in HOSTS.items():
            carries = f"capacity: {LINKS[link] * 8 // 1000}kbit/s, leave: {LEFT[link]:.0%}"
            yield f"  {link}: {{{carries}, reaches: [{', '.join(names)}]}}"
        yield "policies:"
        for target in TARGETS.values():
            yield f"  to-{target}: {{rpo: 1d, copies: [{target}]}}"
        yield "workloads:"
        for work in self.works:
            yield f"  {work.name}: {{kind: {work.kind}, policy: to-{work.target}, {self._source(work)}}}"

    def _source(self, work: Work) -> str:
        if work.kind == "files":
            return f"host: {work.host}, paths: [{work.where}]"
        if work.kind == "command":
            return f"host: {work.host}, command: [cat, {work.where}], file_name: stream"
        if work.kind == "sqlite":
            return f"path: {work.where}"
        return f"dsn: '{self.server.address_of(work.where)}'"


def disk_of(host: str) -> int:
    """Bytes per second that a host can read."""
    return next(int(DISK * LINKS[link]) for link, names in HOSTS.items() if host in names)


def works(scale: float, seed: int) -> tuple[Work, ...]:
    """Twenty-eight workloads; `scale` is about the seconds that the links need at least."""
    rng = random.Random(seed)
    found: list[Work] = []
    for link, names in HOSTS.items():
        parts = [rng.lognormvariate(0, 0.8) for _ in range(4 * len(names))]
        for place, part in enumerate(parts):
            host, number = names[place % len(names)], place // len(names)
            kind = "command" if number == 3 and place % 3 != 1 else "files"
            volume = int(scale * LINKS[link] * PAYLOAD * part / sum(parts))
            where = f"/home/backup/{host}-{number}"
            found.append(Work(f"{host}-{number}", kind, host, link, TARGETS[link], where, volume))
    local = int(scale * 150_000)
    found += [Work(f"db{n}", "postgresql", None, None, "vault", f"db{n}", local) for n in range(2)]
    found += [Work(f"lite{n}", "sqlite", None, None, "offsite", f"lite{n}.db", local) for n in range(2)]
    return tuple(found)


@contextmanager
def emulated(root: Path, scale: float, seed: int) -> Iterator[Emulated]:
    """The estate, gone when the context is left."""
    with ExitStack() as stack:
        network = root / "network"
        network.mkdir()
        far = stack.enter_context(far_hosts(network))
        server = stack.enter_context(private_postgres())
        links = {name: far.link(rate) for name, rate in LINKS.items()}
        listed = [_placed(work, root) for work in works(scale, seed)]
        hosts = {}
        for link, names in HOSTS.items():
            for name in names:
                hosts[name] = links[link].host(name, disk=disk_of(name))
        estate = Emulated(root, far, links, hosts, server, tuple(listed))
        _fill(estate)
        yield estate


def _placed(work: Work, root: Path) -> Work:
    if work.kind != "sqlite":
        return work
    return Work(work.name, work.kind, None, None, work.target, str(root / work.where), work.bytes)


def _fill(estate: Emulated) -> None:
    """Random bytes, which nothing makes smaller: what is stored is what was sent."""
    (estate.root / "password").write_text("for this bench only")
    (estate.root / "password").chmod(0o600)
    for work in estate.works:
        if work.host is not None:
            _fill_host(estate.hosts[work.host], work)
        elif work.kind == "sqlite":
            _fill_sqlite(Path(work.where), work.bytes)
        else:
            _fill_postgres(estate.server, work.where, work.bytes)


def _fill_host(host: FarHost, work: Work) -> None:
    if work.kind == "command":
        host.call("sh", "-c", f"head -c {work.bytes} /dev/urandom >{work.where}; chown backup: {work.where}")
        return
    files = max(2, work.bytes // 1_500_000)
    each = work.bytes // files
    loop = f"for i in $(seq {files}); do head -c {each} /dev/urandom >{work.where}/$i; done"
    host.call("sh", "-c", f"mkdir {work.where}; {loop}; chown -R backup: {work.where}")


def _fill_sqlite(path: Path, size: int) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")
        database.executemany("INSERT INTO t (body) VALUES (?)", ((os.urandom(4000),) for _ in range(size // 4000)))
    database.close()


def _fill_postgres(server: PrivatePostgres, name: str, size: int) -> None:
    server.execute(f"CREATE DATABASE {name}")
    body = "SELECT decode(string_agg(md5(random()::text || i || j), ''), 'hex') FROM generate_series(1, 125) j"
    server.execute(
        "CREATE TABLE t (id int PRIMARY KEY, body bytea)",
        f"INSERT INTO t SELECT i, ({body}) FROM generate_series(1, {size // 2000}) i",
        database=name,
    )


def empty_repositories(folder: Path, template: Path, listed: Sequence[Work], password: Path) -> None:
    """One made repository a workload below `folder`, so that nobody's time holds the making of them."""
    if not template.exists():
        environment = {**os.environ, "RESTIC_PASSWORD_FILE": str(password)}
        argv = ["restic", "--no-cache", "--repo", str(template), "init"]
        subprocess.run(argv, env=environment, check=True, capture_output=True)
    for work in listed:
        shutil.copytree(template, folder / work.target / "restic" / work.name)
