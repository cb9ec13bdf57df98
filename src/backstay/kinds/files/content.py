"""What is inside files: their contents as a hash, their extended attributes."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from blake3 import blake3

from backstay.ports.progress import Progress

from .tree import Entry, entry_of

Hash = Literal["blake3", "sha256"]
DIGEST_BYTES = 32
"""Of either hash."""

_STORED_PREFIXES = ("user.", "security.", "system.posix_acl_")
_NO_ATTRIBUTES = (errno.ENOTSUP, errno.ENODATA, errno.EPERM, errno.EACCES)


class _Digest(Protocol):
    def update(self, piece: memoryview, /) -> object: ...

    def digest(self) -> bytes: ...


_HASHES: Mapping[Hash, Callable[[], _Digest]] = {"blake3": blake3, "sha256": hashlib.sha256}


class Moved(Exception):
    """The file is not, or no longer, what the pass over the tree saw."""


class Reader:
    """Reads files through one buffer. Never maps them: a mapped file that is cut short kills the process."""

    def __init__(self, progress: Progress, by: Hash) -> None:
        self._progress = progress
        self._new = _HASHES[by]
        self._buffer = bytearray(1 << 20)
        self._done = 0

    def digest(self, folder: int, name: str, seen: Entry | None) -> bytes:
        """The hash of what a file held. With `seen`: what it held at that look and until the end of this reading.

        Raises: Moved if it changed since `seen`; OSError if it cannot be read.
        """
        descriptor = _open(folder, name)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Moved(name)
            digest = self._hash(descriptor, seen.size if seen else None)
            # One look after reading is enough: had anything been written since `seen`, the change time would tell.
            if seen and entry_of(os.fstat(descriptor)) != seen:
                raise Moved(name)
        finally:
            os.close(descriptor)
        return digest

    def _hash(self, descriptor: int, size: int | None) -> bytes:
        view, digest, left = memoryview(self._buffer), self._new(), size
        while left is None or left > 0:
            self._progress.check()
            got = os.readv(descriptor, [view])
            if got == 0:
                break
            digest.update(view[:got])
            self._done += got
            left = None if left is None else left - got
        self._progress.moved(self._done)
        return digest.digest()


def attributes(path: str) -> dict[str, str]:
    """Extended attributes that belong to the data: the BLAKE3 of each value by name. Those of a link are not stored."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return {
            name: blake3(os.getxattr(path, name, follow_symlinks=False)).hexdigest(16)
            for name in sorted(names)
            if name.startswith(_STORED_PREFIXES)
        }
    except OSError as error:
        if error.errno in _NO_ATTRIBUTES:
            return {}
        raise


def _open(folder: int, name: str) -> int:
    # Not blocking, in case a pipe took the place of the file.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(name, flags | os.O_NOATIME, dir_fd=folder)
    except PermissionError:  # only the owner of a file may leave its access time alone
        return os.open(name, flags, dir_fd=folder)
