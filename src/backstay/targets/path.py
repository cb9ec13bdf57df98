"""The `Store` port for targets that are folders of this machine."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from backstay.domain.errors import InvariantBroken, RepositoryDamaged, Unavailable

_HINTS = {
    errno.ENOSPC: "Free space there.",
    errno.EDQUOT: "Free space there, or have the quota raised.",
    errno.EROFS: "It is mounted read-only: look at the kernel's log for the reason, and mount it writable.",
    errno.EACCES: "Run this as a user who may write there, or change the folder's owner.",
}


@dataclass(frozen=True, slots=True)
class PathStore:
    """The folder `<target>/<engine>/<name>`.

    `first_use` says that nothing was ever stored in this target: only then may the target's own folder be made. Later
    a missing or empty one means a disk that is not mounted, and writing beneath the mount would fill the wrong one.
    """

    target: str
    engine: str
    name: str
    first_use: bool = False

    @property
    def location(self) -> str:
        return os.path.join(self.target, self.engine, self.name)

    def exists(self) -> bool:
        with _answering(self.target):
            return self._there() and next(_walk(self.location, ""), None) is not None

    def prepare(self) -> None:
        with _answering(self.target):
            if not self.first_use:
                self._demand_target()
            os.makedirs(self.location, mode=0o700, exist_ok=True)
            _demand_writable(self.location)

    def pieces(self, under: str = "") -> Mapping[str, int]:
        with _answering(self.target):
            return dict(_walk(self._inside(under), under.rstrip("/"))) if self._there() else {}

    def digest(self, name: str) -> str:
        with _answering(self.target):
            self._there()
            with _readable(name), open(self._inside(name), "rb") as piece:
                return hashlib.file_digest(piece, "sha256").hexdigest()

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | RepositoryDamaged]]:
        for name in names:
            try:
                yield name, self.digest(name)
            except RepositoryDamaged as error:
                yield name, error

    def newest(self, count: int) -> Sequence[str]:
        with _answering(self.target):
            written = {name: _written(self._inside(name)) for name in self.pieces()}
        return sorted(written, key=lambda name: written[name], reverse=True)[:count]

    def watched(self) -> Callable[[], None]:
        """By its device, and by what lies in it at once: the numbers of folders change on some network shares."""
        device, names = self._seen()

        def still_there() -> None:
            now, found = self._seen()
            if now != device or not names <= found:
                raise Unavailable(
                    f"{self.location} is another folder than before",
                    subject=self.target,
                    hint="Mount its disk. What was written since it went lies beneath the mount and can be removed.",
                )

        return still_there

    def _seen(self) -> tuple[int, frozenset[str]]:
        with _answering(self.target):
            return os.stat(self.location).st_dev, frozenset(os.listdir(self.location))

    def remove(self, name: str) -> None:
        with _answering(self.target), suppress(FileNotFoundError):
            os.unlink(self._inside(name))

    def _there(self) -> bool:
        """Whether the target is; Unavailable if it should be and is not."""
        try:
            os.stat(self.target)  # a folder that we may not see is no missing one: that error rises
        except FileNotFoundError:
            if self.first_use:
                return False
            raise Unavailable(
                f"the target folder {self.target} is not there",
                subject=self.target,
                hint="Mount its disk, or create the folder again.",
            ) from None
        return True

    def _demand_target(self) -> None:
        if self._there() and not _holds_anything(self.target):
            raise Unavailable(
                f"the target folder {self.target} is empty, though copies were stored in it",
                subject=self.target,
                hint=f"Mount its disk. If it was emptied on purpose: mkdir {os.path.join(self.target, self.engine)}",
            )

    def _inside(self, name: str) -> str:
        if name.startswith("/") or ".." in name.split("/"):
            raise InvariantBroken(f"{name} is no name of a piece", subject=self.location)
        return os.path.join(self.location, name)


def _demand_writable(folder: str) -> None:
    """Told at once, where an engine would try for most of a minute."""
    if not os.access(folder, os.W_OK | os.X_OK):
        number = errno.EROFS if os.statvfs(folder).f_flag & os.ST_RDONLY else errno.EACCES
        raise OSError(number, os.strerror(number), folder)


def _holds_anything(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is not None
    except FileNotFoundError:
        return False


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, int]]:
    """Every file below, symbolic links followed as the engines do. What vanishes meanwhile was a lock or a draft."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        name = f"{prefix}/{entry.name}" if prefix else entry.name
        if entry.is_dir():
            yield from _walk(entry.path, name)
        elif (size := _size(entry)) is not None:
            yield name, size


def _size(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat().st_size
    except FileNotFoundError:
        return None


def _written(path: str) -> int:
    """When, in nanoseconds; what vanished meanwhile is as old as can be."""
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return 0


@contextmanager
def _answering(target: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"{error.filename or target}: {error.strerror}", subject=target, hint=_HINTS.get(error.errno or 0)
        ) from error


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """A single piece that is gone or cannot be read is damage, where a whole target that does not answer is not."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EIO):
            raise
        raise RepositoryDamaged(f"the piece {name} cannot be read: {error.strerror}", subject=name) from error
