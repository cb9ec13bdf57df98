"""Canaries: secrets made for one test, and where to look whether one of them shows."""

from __future__ import annotations

import base64
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import zstandard

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def canary() -> str:
    return secrets.token_hex(12)


def awkward_canary() -> str:
    """A password that every quoting changes."""
    return f"{secrets.token_hex(8)} :@/%\"'ü{secrets.token_hex(8)}"


def forms(secret: str) -> dict[str, bytes]:
    """How a secret may be written: by name of the writing."""
    raw = secret.encode()
    return {
        "raw": raw,
        "percent-encoded": quote(secret, safe="").encode(),
        "json": json.dumps(secret)[1:-1].encode(),
        "hex": raw.hex().encode(),
        **{f"base64 at {shift}": _base64(raw, shift) for shift in range(3)},
    }


def _base64(raw: bytes, shift: int) -> bytes:
    """The digits that stay the same whatever stands before and behind."""
    encoded = base64.b64encode(b"\0" * shift + raw)
    return encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]


class Search:
    """All canaries in all their forms."""

    def __init__(self, canaries: Iterable[str]) -> None:
        self._needles = {
            needle: f"{secret[:4]}… {name}" for secret in canaries for name, needle in forms(secret).items()
        }

    def shown_in(self, content: bytes | str, place: str) -> list[str]:
        text = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        return [f"{word} in {place}" for needle, word in self._needles.items() if needle in text]

    def shown_below(self, folder: Path, *, except_below: Path | None = None) -> list[str]:
        """In the names and the bytes of files, and in every row of those that are databases."""
        found = []
        for path in sorted(folder.rglob("*")):
            if except_below and path.is_relative_to(except_below):
                continue
            found += self.shown_in(str(path), f"the name of {path}")
            if path.is_file():
                found += self.shown_in(path.read_bytes(), str(path))
                found += [word for place, cell in cells(path) for word in self.shown_in(cell, place)]
        return found


def cells(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every cell of an SQLite file, decompressed where it is compressed; nothing of any other file."""
    with path.open("rb") as file:
        if file.read(16) != b"SQLite format 3\x00":
            return
    database = sqlite3.connect(path)
    for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for row in database.execute(f'SELECT * FROM "{table}"'):
            for cell in row:
                raw = cell if isinstance(cell, bytes) else str(cell).encode()
                yield f"{path}, {table}", _plain(raw)
    database.close()


def _plain(cell: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(cell) if cell.startswith(ZSTD_MAGIC) else cell


class CommandLines:
    """What `ps` would have shown of any process that was born while we looked."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._before = set(os.listdir("/proc"))
        self._enough = threading.Event()

    def look(self) -> None:
        while not self._enough.wait(0.008):
            for number in set(os.listdir("/proc")) - self._before:
                with suppress(OSError):  # it ended meanwhile
                    self.seen.add(Path("/proc", number, "cmdline").read_bytes())

    def stop(self) -> None:
        self._enough.set()


@contextmanager
def command_lines() -> Iterator[CommandLines]:
    lines = CommandLines()
    looking = threading.Thread(target=lines.look)
    looking.start()
    try:
        yield lines
    finally:
        lines.stop()
        looking.join()
