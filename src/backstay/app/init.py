"""`init`: a starter estate from what this machine holds."""

from __future__ import annotations

import os
import re
import socket
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backstay.domain.errors import ConfigError, Refused

TREES = ("/srv", "/var/www", "/home")
"""Each folder below these that holds a file is proposed."""

SINGLE_TREES = ("/etc",)

SQLITE_PLACES = ("/srv", "/var/lib", "/home", "/opt")
SQLITE_ENDINGS = (".db", ".sqlite", ".sqlite3")
SQLITE_MAGIC = b"SQLite format 3\x00"

SOCKETS = ("/var/run/postgresql", "/tmp")  # noqa: S108  # where PostgreSQL puts its socket by default
ENTRIES_LOOKED_AT = 50_000
MOST_OF_A_KIND = 20


@dataclass(frozen=True, slots=True)
class Found:
    """One thing worth protecting; `remark` says what to check before trusting the proposal."""

    workload: str
    kind: str
    where: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class InitView:
    """The file that was written and what it proposes."""

    path: str
    estate: str
    found: tuple[Found, ...]


def init(directory: str) -> InitView:
    """Write `estate.yaml` into the directory; Refused if there is one."""
    folder = Path(directory).absolute()
    path = folder / "estate.yaml"
    if path.exists():
        raise Refused(f"{path} is there already", subject=str(path), hint="Edit it, or give init another folder.")
    found = tuple(_named(_look(folder)))
    estate = _name(socket.gethostname().split(".")[0]) or "estate"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(_file(estate, found, _target(folder)))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", subject=str(path)) from error
    return InitView(str(path), estate, found)


def _look(folder: Path) -> Iterator[Found]:
    trees = list(_trees())
    yield from trees or [Found(folder.name or "files", "files", str(folder), "nothing else was found; name your data")]
    yield from _postgresql()
    yield from _sqlite((*SQLITE_PLACES, str(folder)))


def _trees() -> Iterator[Found]:
    for root in TREES:
        for entry in sorted(_entries(root), key=lambda each: each.name)[:MOST_OF_A_KIND]:
            if entry.is_dir(follow_symlinks=False) and _holds_a_file(entry.path):
                yield Found(f"{Path(root).name}-{entry.name}", "files", entry.path)
    for tree in SINGLE_TREES:
        if _holds_a_file(tree):
            yield Found(Path(tree).name, "files", tree, "this machine's settings")


def _postgresql() -> Iterator[Found]:
    """Databases of the servers whose sockets are here, as far as they let us in."""
    for folder in SOCKETS:
        for entry in _entries(folder):
            port = entry.name.removeprefix(".s.PGSQL.")
            if port.isdigit() and stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode):
                yield from _databases(folder, port)


def _databases(folder: str, port: str) -> Iterator[Found]:
    import psycopg

    address = f"host={folder} port={port}"
    query = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"
    try:
        with psycopg.connect(f"{address} dbname=postgres connect_timeout=3") as server:
            names = [str(row[0]) for row in server.execute(query)]
    except psycopg.Error:
        dsn = f"postgresql:///postgres?host={folder}&port={port}"
        yield Found(f"postgresql-{port}", "postgresql", dsn, "it did not let us in; check user and database")
        return
    wanted = [name for name in names if name != "postgres"] or names
    for name in wanted[:MOST_OF_A_KIND]:
        yield Found(f"pg-{name}", "postgresql", f"postgresql:///{name}?host={folder}&port={port}")


def _sqlite(places: Iterable[str]) -> Iterator[Found]:
    seen: set[str] = set()
    for place in places:
        for path in _walk(place):
            if len(seen) < MOST_OF_A_KIND and path.endswith(SQLITE_ENDINGS) and path not in seen and _is_sqlite(path):
                seen.add(path)
                yield Found(Path(path).stem, "sqlite", path)


def _is_sqlite(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    except OSError:
        return False


def _walk(root: str) -> Iterator[str]:
    """Paths of regular files, up to a number of entries, so that a large disk is not read through."""
    left = ENTRIES_LOOKED_AT
    for folder, folders, files in os.walk(root):
        folders.sort()
        left -= len(files) + len(folders)
        if left < 0:
            return
        yield from (os.path.join(folder, name) for name in sorted(files))


def _holds_a_file(path: str) -> bool:
    return next(_walk(path), None) is not None


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _named(found: Iterable[Found]) -> Iterator[Found]:
    """The same with names that the file may use, each once."""
    taken: dict[str, int] = {}
    for each in found:
        name = _name(each.workload) or each.kind
        taken[name] = taken.get(name, 0) + 1
        unique = name if taken[name] == 1 else f"{name}-{taken[name]}"
        yield Found(unique, each.kind, each.where, each.remark)


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:40]


def _target(folder: Path) -> str:
    if os.geteuid() == 0:
        return "/var/backups/backstay"
    home = os.environ.get("XDG_DATA_HOME") or (os.environ.get("HOME") and os.path.expanduser("~/.local/share"))
    return f"{home}/backstay/backups" if home else str(folder / "backups")


def _file(estate: str, found: tuple[Found, ...], target: str) -> str:
    lines = [
        "# What this estate owns and what each part is owed.",
        "# backstay check   says whether it is sound, and what could be better",
        "# backstay plan    shows when what will run, and why",
        f"estate: {estate}",
        "timezone: UTC                # of windows, retention slots and everything shown",
        "",
        "targets:",
        "  # Another disk, better another machine: a copy beside its source dies with it.",
        f"  vault: {{url: {_quoted(target)}}}",
        "",
        "policies:",
        "  standard:",
        "    rpo: 24h                 # at most this much may be lost",
        "    rto: 4h                  # back within this time",
        "    keep: {daily: 14, weekly: 8, monthly: 12}",
        "    drill: monthly           # how often a restore is proven",
        "",
        "workloads:",
    ]
    for each in found:
        remark = f"   # {each.remark}" if each.remark else ""
        lines.append(f"  {_quoted(each.workload)}: {{kind: {each.kind}, {_pointer(each)}, policy: standard}}{remark}")
    return "\n".join(lines) + "\n"


def _pointer(found: Found) -> str:
    key = {"files": "paths", "sqlite": "path", "postgresql": "dsn"}[found.kind]
    where = _quoted(found.where)
    return f"{key}: [{where}]" if key == "paths" else f"{key}: {where}"


def _quoted(text: str) -> str:
    """A YAML string that stands as it is, or in double quotes."""
    if re.fullmatch(r"[A-Za-z/][A-Za-z0-9_./-]*", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in escaped) + '"'
