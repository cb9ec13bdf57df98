"""What is asked of restic, as command lines; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from backstay.domain.errors import InvariantBroken
from backstay.domain.secrets import Secret
from backstay.ports.engine import SEAL_FILE, BackupRequest, ForgetRequest, Paths, Repository, RestoreRequest
from backstay.ports.runner import Command

_CONNECTIONS = 2

RUN_TAG, WORKLOAD_TAG, NONCE_TAG = "run:", "workload:", "nonce:"


def version() -> Command:
    """Needs no repository, so it costs milliseconds; every other command pays half a second for opening one."""
    return Command(("restic", "version"), stop="INT")


def init(repository: Repository, location: str | None = None) -> Command:
    """In the repository's place, or in another folder of this machine."""
    command = _command(repository, "init")
    return replace(command, argv=("restic", "--no-cache", "--repo", location, "init")) if location else command


def backup(request: BackupRequest, parent: str | None) -> Command:
    """One snapshot that carries the marks of its run.

    The workload stands in as the host: restic groups by host, and a machine's name changes with the machine.
    """
    marks = (RUN_TAG + request.run_id, WORKLOAD_TAG + request.workload, NONCE_TAG + request.nonce)
    options = ["--json", f"--host={request.workload}", f"--time={_local_time(request.as_of)}"]
    options += [f"--tag={mark}" for mark in marks]
    options += [f"--parent={parent}"] if parent else []
    cwd = request.source.cwd if isinstance(request.source, Paths) else None
    command = _command(request.repository, "backup", *options, *_source(request), cwd=cwd, run_id=request.run_id)
    # Each piece is written to a temporary file first, read for its hash, and read once more to be sent.
    return replace(command, pace=request.pace, rereads=True)


def snapshots(repository: Repository) -> Command:
    return _command(repository, "snapshots", "--json")


def restore(request: RestoreRequest) -> Command:
    """The whole snapshot, or what matches `include`; restic 0.14 cannot combine that with an exclusion of the seal."""
    include = request.include
    if include and request.with_seal:
        include = (*include, f"/{SEAL_FILE}")
    patterns = [f"--include={pattern}" for pattern in include]
    return _command(request.repository, "restore", request.snapshot, f"--target={request.into}", *patterns)


def check(repository: Repository, *, read_data: bool) -> Command:
    """Without a lock: an exclusive one would make a backup that is due wait for a look, or fail."""
    return _command(repository, "check", "--no-lock", *(["--read-data"] if read_data else []))


def forget(request: ForgetRequest, snapshots: Sequence[str]) -> Command:
    return _command(request.repository, "forget", *snapshots, run_id=request.run_id)


def show_lock(repository: Repository, lock: str) -> Command:
    return _command(repository, "cat", "lock", lock, "--no-lock")


def show_index(repository: Repository, index: str) -> Command:
    return _command(repository, "cat", "index", index, "--no-lock")


def unlock(repository: Repository, which: Literal["stale", "all"]) -> Command:
    return _command(repository, "unlock", *(["--remove-all"] if which == "all" else []))


def rebuild_index(repository: Repository, version: tuple[int, ...]) -> Command:
    """Makes packs known that an interrupted first backup left; the command was renamed in 0.16."""
    return _command(repository, *(("repair", "index") if version >= (0, 16) else ("rebuild-index",)))


def _command(repository: Repository, *arguments: str, cwd: str | None = None, run_id: str | None = None) -> Command:
    """The password goes by the environment only. INT, because restic removes its lock then, and only then in 0.14.

    Without a cache no home folder is needed, and a repository on a local path is no slower.
    The times that restic reads and prints are local ones, hence TZ.
    """
    place, reached = _address(repository)
    env: dict[str, str | Secret] = {
        **repository.environment,
        **reached,
        "RESTIC_PASSWORD": repository.password,
        "RESTIC_PROGRESS_FPS": "2",
        "TZ": "UTC",
    }
    return Command(("restic", "--no-cache", *place, *arguments), env=env, cwd=cwd, stop="INT", run_id=run_id)


def _address(repository: Repository) -> tuple[tuple[str, ...], Mapping[str, str | Secret]]:
    """Arguments and environment by which restic finds the repository.

    A door's address holds its credential, so it goes by the environment. Behind a door packs are small and few at a
    time: with the usual 16 MiB a small job reads for seconds before it sends.
    """
    if repository.door is not None:
        rest = Secret(f"rest:{repository.door.reveal()}")
        return (f"--option=rest.connections={_CONNECTIONS}",), {"RESTIC_REPOSITORY": rest, "RESTIC_PACK_SIZE": "4"}
    if not repository.store.location.startswith("/"):
        message = f"{repository.target}/{repository.name} is no folder of this machine, and no gateway to it is open"
        raise InvariantBroken(message, subject=repository.store.location)
    return ("--repo", repository.store.location), {}


def _source(request: BackupRequest) -> tuple[str, ...]:
    source = request.source
    if isinstance(source, Paths):
        # Last, so that no pattern of the user's (*.json, say) leaves the seal out.
        patterns = (*source.exclude, f"!{SEAL_FILE}") if source.exclude else ()
        return (*(f"--exclude={pattern}" for pattern in patterns), "--", *source.paths)
    return ("--stdin", f"--stdin-filename={source.file_name}")


def _local_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
