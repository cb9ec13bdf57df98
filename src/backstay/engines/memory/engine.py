"""Snapshots as plain files named by the SHA-256 of their content, so that kill tests can look at them."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backstay.domain.errors import EngineFailed, Refused, RepositoryDamaged, Unavailable
from backstay.domain.findings import Finding
from backstay.domain.points import Inventory
from backstay.domain.secrets import SecretRef
from backstay.ports.engine import (
    SEAL_FILE,
    BackupReport,
    BackupRequest,
    ForgetReport,
    ForgetRequest,
    Repository,
    RestoreReport,
    RestoreRequest,
    StoredPoint,
    Stream,
    VerifyReport,
    VerifyRequest,
)
from backstay.ports.progress import Progress

from . import tree

_CHUNK = 1 << 20


class MemoryEngine:
    """Not for real copies: it neither encrypts nor compresses."""

    @property
    def name(self) -> str:
        return "memory"

    def version(self) -> str:
        return "1.0.0"

    def preflight(self, repository: Repository, progress: Progress) -> Sequence[Finding]:
        return ()

    def create(self, repository: Repository, progress: Progress) -> None:
        repository.store.prepare()
        if not repository.store.pieces("keys"):
            _keep(repository, "keys", [_key(repository)])

    def release(self, repository: Repository, progress: Progress) -> None:
        return None

    def backup(self, request: BackupRequest, progress: Progress) -> BackupReport:
        progress.phase("copy")
        repository = request.repository
        _open(repository)
        before = repository.store.pieces("objects")
        unreadable: list[str] = []
        entries = list(_entries(request, unreadable, progress))
        snapshot, _ = _keep(repository, "snapshots", [_snapshot(request, entries)])
        added = repository.store.pieces("objects").items() - before.items()
        files = [entry for entry in entries if entry.sort == "file"]
        read = sum(entry.size for entry in files)
        return BackupReport(snapshot, read, sum(size for _, size in added), len(files), tuple(unreadable))

    def inventory(self, repository: Repository, at: datetime) -> Inventory:
        return Inventory(at, _pieces(repository))

    def restore_points(self, repository: Repository, progress: Progress) -> Sequence[StoredPoint]:
        _open(repository)
        names = [piece.rpartition("/")[2] for piece in repository.store.pieces("snapshots")]
        points = [_stored_point(name, _load(repository, name)) for name in names]
        return sorted(points, key=lambda point: point.at, reverse=True)

    def restore(self, request: RestoreRequest, progress: Progress) -> RestoreReport:
        _open(request.repository)
        Path(request.into).mkdir(parents=True, exist_ok=True)
        if os.listdir(request.into):
            raise Refused(f"{request.into} is not empty", subject=request.into, hint="Name an empty folder.")
        stored = _load(request.repository, request.snapshot)
        entries = [tree.Entry(**entry) for entry in stored["entries"] if _wanted(entry["path"], request)]
        for entry in entries:
            progress.check()
            tree.make(entry, request.into, lambda name: _sound(request.repository, f"objects/{name}"))
        for entry in reversed(entries):
            tree.finish(entry, request.into)
        files = [entry for entry in entries if entry.sort == "file"]
        return RestoreReport(len(files), sum(entry.size for entry in files))

    def verify(self, request: VerifyRequest, progress: Progress) -> VerifyReport:
        """Every depth looks at everything: there is no cheaper way to learn it and nothing more to learn."""
        _open(request.repository)
        store = request.repository.store
        there, expected = _pieces(request.repository), request.expected.pieces if request.expected else {}
        # A snapshot may have been forgotten by hand; whether one is missed is told by the listing.
        wanted = {name: size for name, size in expected.items() if not name.startswith("snapshots/")}
        lost = [f"{name} is missing" for name in wanted if name not in there]
        cut = [f"{name} has another size" for name in wanted if there.get(name, wanted[name]) != wanted[name]]
        damaged = [f"{name} is damaged" for name in there if store.digest(name) != name.rpartition("/")[2]]
        return VerifyReport(len(there), sum(there.values()), (*lost, *cut, *damaged))

    def forget(self, request: ForgetRequest, progress: Progress) -> ForgetReport:
        _open(request.repository)
        for name in request.snapshots:
            _place(request.repository, f"snapshots/{name}").unlink(missing_ok=True)
        left = request.repository.store.pieces("snapshots")
        return ForgetReport(tuple(name for name in request.snapshots if f"snapshots/{name}" not in left))

    def runbook(self, location: str, key: SecretRef, snapshot: str, into: str) -> tuple[str, ...]:
        """None: there is no stock tool for plain files named by their hashes."""
        return ()


def _entries(request: BackupRequest, unreadable: list[str], progress: Progress) -> Iterator[tree.Entry]:
    repository, source = request.repository, request.source
    if isinstance(source, Stream):
        digest, size = _keep(repository, "objects", _watched(source.chunks(), progress))
        yield tree.Entry(source.file_name, "file", digest, size, modified_ns=int(request.as_of.timestamp()) * 10**9)
        return
    seen: dict[tuple[int, int], str] = {}
    for real, inside in tree.listed(source):
        try:
            yield tree.entry(real, inside, seen, lambda path: _keep(repository, "objects", _read(path, progress)))
        except OSError as error:
            unreadable.append(f"{real}: {error.strerror}")


def _read(path: str, progress: Progress) -> Iterator[bytes]:
    with open(path, "rb") as file:
        yield from _watched(iter(lambda: file.read(_CHUNK), b""), progress)


def _watched(chunks: Iterable[bytes], progress: Progress) -> Iterator[bytes]:
    done = 0
    for chunk in chunks:
        progress.check()
        done += len(chunk)
        progress.moved(done)
        yield chunk


def _keep(repository: Repository, sort: str, chunks: Iterable[bytes]) -> tuple[str, int]:
    """Write a piece under the hash of its content, whole or not at all; its name and size."""
    draft = _place(repository, f"{secrets.token_hex(8)}.draft")
    content = hashlib.sha256()
    try:
        with draft.open("wb") as file:
            for chunk in chunks:
                content.update(chunk)
                file.write(chunk)
            size = file.tell()
        name = content.hexdigest()
        _place(repository, sort).mkdir(exist_ok=True)
        draft.rename(_place(repository, f"{sort}/{name}"))
    finally:
        draft.unlink(missing_ok=True)
    return name, size


def _snapshot(request: BackupRequest, entries: Sequence[tree.Entry]) -> bytes:
    marks = {"run_id": request.run_id, "workload": request.workload, "nonce": request.nonce}
    at = request.as_of.astimezone(UTC).replace(microsecond=0).isoformat()
    return json.dumps({**marks, "at": at, "entries": [asdict(entry) for entry in entries]}).encode()


def _stored_point(name: str, stored: dict[str, Any]) -> StoredPoint:
    at = datetime.fromisoformat(stored["at"])
    return StoredPoint((name,), stored["run_id"], stored["workload"], stored["nonce"], at)


def _pieces(repository: Repository) -> dict[str, int]:
    """Without drafts, which a crash may leave."""
    return {name: size for name, size in repository.store.pieces().items() if "/" in name}


def _load(repository: Repository, name: str) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(Path(_sound(repository, f"snapshots/{name}")).read_bytes())
    return stored


def _wanted(path: str, request: RestoreRequest) -> bool:
    if path == SEAL_FILE:
        return request.with_seal
    places = (Path("/", path), *Path("/", path).parents)
    return not request.include or any(place.match(pattern) for place in places for pattern in request.include)


def _open(repository: Repository) -> None:
    """Returns if the password fits."""
    subject = f"{repository.target}/{repository.name}"
    keys = repository.store.pieces("keys")
    if not keys and not repository.store.exists():
        raise Unavailable(f"there is nothing at {repository.store.location}", subject=subject)
    if f"keys/{hashlib.sha256(_key(repository)).hexdigest()}" not in keys:
        raise EngineFailed(f"the key does not open the repository {subject}", subject=subject)


def _key(repository: Repository) -> bytes:
    return hashlib.sha256(repository.password.reveal().encode()).digest()


def _sound(repository: Repository, piece: str) -> str:
    """The path of a piece whose content was compared with its name."""
    if repository.store.digest(piece) != piece.rpartition("/")[2]:
        raise RepositoryDamaged(f"{piece} is damaged", subject=f"{repository.target}/{repository.name}")
    return str(_place(repository, piece))


def _place(repository: Repository, name: str) -> Path:
    return Path(repository.store.location, name)
