"""What restic says, as values; pure. Written against 0.14 as recorded, and newer versions as documented.

Commands without JSON in 0.14 (check, restore) are read as text in every version, which all of them still print.
Source: tests/engines/transcripts; restic 0.18, "Scripting", https://restic.readthedocs.io/en/stable/075_scripting.html
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backstay.ports.engine import StoredPoint

from .argv import NONCE_TAG, RUN_TAG, WORKLOAD_TAG

_GONE = re.compile(r"no such file or directory", re.IGNORECASE)
_ENOENT = 2
_MISSING_SOURCE = re.compile(r"^(.+) does not exist, skipping$", re.MULTILINE)
_NOISE = re.compile(r"returned error, retrying after|^Fatal: (There were \d+ errors|repository contains errors)")
_ORPHANS = re.compile(r"not referenced in any index|additional files were found|This is non-critical")


@dataclass(frozen=True, slots=True)
class Status:
    """How far a backup is; `total` None until restic has scanned the source."""

    done: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """How a backup ended. `snapshot` is eight digits in 0.14 and the whole name since 0.15."""

    snapshot: str
    bytes_read: int
    bytes_added: int
    files: int


@dataclass(frozen=True, slots=True)
class Unread:
    """What a backup could not read, by absolute path with the reason; `vanished` was deleted before its turn came."""

    unreadable: tuple[str, ...]
    vanished: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """What `restic check` found; `clean` only if it said in words that it found no errors."""

    clean: bool
    problems: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """Who holds a repository, and since when."""

    host: str
    pid: int
    since: str

    def __str__(self) -> str:
        return f"pid {self.pid} on {self.host} since {self.since}"


def version(text: str) -> tuple[int, ...] | None:
    """
    >>> version("restic 0.14.0 compiled with go1.19.8 on linux/amd64")
    (0, 14, 0)
    """
    found = re.match(r"restic (\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else None


def backup_line(line: str) -> Status | Summary | None:
    """One line of `backup --json`; keys that are absent mean zero."""
    message = _message(line)
    match message.get("message_type"):
        case "status":
            return Status(message.get("bytes_done", 0), message.get("total_bytes") or None)
        case "summary":
            return Summary(
                snapshot=message.get("snapshot_id", ""),
                bytes_read=message.get("total_bytes_processed", 0),
                bytes_added=message.get("data_added", 0),
                files=message.get("total_files_processed", 0),
            )
        case _:
            return None


def unread(err: str, cwd: str) -> Unread:
    """A file that vanished is no longer part of the source; one that is there and cannot be read makes a gap.

    restic reports both, each up to twice (scan, archival), and paths relative to `cwd` as well as absolute ones.
    """
    reasons: dict[str, str] = {}
    vanished: set[str] = set()
    for message in map(_message, err.splitlines()):
        if message.get("message_type") == "error":
            path = posixpath.join(cwd, message.get("item", ""))
            reason, gone = _reason(message.get("error"))
            if gone:
                vanished.add(path)
            elif reason or path not in reasons:
                reasons[path] = reason
    missing = [f"{posixpath.join(cwd, path)}: is not there" for path in _MISSING_SOURCE.findall(err)]
    unreadable = [f"{path}: {reason or 'could not be read'}" for path, reason in sorted(reasons.items())]
    return Unread((*missing, *unreadable), tuple(sorted(vanished - reasons.keys())))


def snapshots(out: str) -> tuple[StoredPoint, ...]:
    """`snapshots --json`, newest first."""
    points = [_stored_point(entry) for entry in json.loads(out) or ()]
    return tuple(sorted(points, key=lambda point: point.at, reverse=True))


def complaints(err: str) -> tuple[str, ...]:
    """Lines of standard error that do not belong in a clean log, less retries and sums."""
    return tuple(line.rstrip() for line in err.splitlines() if line.strip() and not _NOISE.search(line))


def restored_partly(err: str) -> bool:
    """Whether a restore went to its end and complained of single files, rather than stop."""
    return bool(re.search(r"^Fatal: There were \d+ errors", err, re.MULTILINE))


def check(status: int, out: str, err: str) -> Check:
    """Both the exit status and the sentence must say that all is well."""
    clean = status == 0 and "no errors were found" in out
    said = tuple(_sentences(complaints(err)))
    remarks = tuple(line for line in (*out.splitlines(), *said) if _ORPHANS.search(line))
    serious = tuple(line for line in said if line not in remarks)
    if clean:
        return Check(True, (), remarks + serious)
    return Check(False, serious or (f"restic check ended with {status} and did not say why",), remarks)


def packs_in_index(out: str) -> frozenset[str]:
    """`cat index`: the names of the packs that it knows."""
    return frozenset(pack["id"] for pack in json.loads(out)["packs"] or ())


def lock(out: str) -> Lock:
    """`cat lock`."""
    entry = json.loads(out)
    return Lock(entry["hostname"], entry["pid"], entry["time"])


def _message(line: str) -> Mapping[str, Any]:
    if not line.startswith("{"):
        return {}
    try:
        message = json.loads(line)
    except json.JSONDecodeError:  # a line cut by the limit on kept output
        return {}
    return message if isinstance(message, dict) else {}


def _reason(error: Any) -> tuple[str, bool]:
    """0.14 writes {"Op","Path","Err"} with a bare errno, or {}; since 0.16 there is {"message"}."""
    if not isinstance(error, dict):
        return "", False
    if "message" in error:
        return error["message"], bool(_GONE.search(error["message"]))
    number = error.get("Err")
    return (f"{error.get('Op', 'read')} failed with errno {number}" if number else ""), number == _ENOENT


def _stored_point(entry: Mapping[str, Any]) -> StoredPoint:
    tags = entry.get("tags") or ()
    names = (entry["id"], entry["original"]) if "original" in entry else (entry["id"],)
    at = datetime.fromisoformat(entry["time"]).astimezone(UTC)
    return StoredPoint(names, _tag(tags, RUN_TAG), _tag(tags, WORKLOAD_TAG), _tag(tags, NONCE_TAG), at)


def _tag(tags: Any, prefix: str) -> str | None:
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), None)


def _sentences(lines: tuple[str, ...]) -> Iterator[str]:
    """An error with details indented below it becomes one line."""
    whole = ""
    for line in lines:
        if line[0].isspace() and whole:
            whole = f"{whole} {line.strip()}"
        else:
            if whole:
                yield whole
            whole = line
    if whole:
        yield whole
