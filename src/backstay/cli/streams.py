"""Standard output and standard error that a reader who leaves, or was never there, cannot break."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from backstay.domain.errors import BackstayError


def prepare(*, as_json: bool) -> None:
    """Give the program streams that can always be written to. A document is UTF-8 whatever the locale says."""
    _fill_closed()
    sys.stdout = _text(_Outlet(1, "standard output"), sys.stdout, "utf-8" if as_json else None)
    sys.stderr = _text(_Patient(2, "standard error"), sys.stderr, None)


class _Outlet(io.FileIO):
    """A reader who has left is no failure: nobody is there to be told. A disk that is full is one, said once."""

    def __init__(self, handle: int, label: str) -> None:
        super().__init__(handle, "wb", closefd=False)
        self._label = label
        self._deaf = False

    def write(self, content: object) -> int:
        if not self._deaf:
            try:
                return super().write(content)  # type: ignore[arg-type]  # any buffer, as the stream above hands it on
            except OSError as error:
                self._deaf = True
                self._failed(error)
        return len(content)  # type: ignore[arg-type]  # the same buffer

    def _failed(self, error: OSError) -> None:
        if not isinstance(error, BrokenPipeError):
            raise BackstayError(f"{self._label} cannot be written: {error.strerror}", subject=self._label)


class _Patient(_Outlet):
    """Progress that cannot be written is not worth a backup."""

    def _failed(self, error: OSError) -> None:
        return None


def _fill_closed() -> None:
    """A closed stream's number would go to the next file that is opened, and be written to as if it were ours."""
    for handle in (0, 1, 2):
        try:
            os.fstat(handle)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one


def _text(raw: io.FileIO, before: TextIO | None, encoding: str | None) -> io.TextIOWrapper:
    """What the encoding cannot write becomes a question mark, rather than an error in the middle of a screen."""
    known = encoding or getattr(before, "encoding", None) or "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=known, errors="replace", line_buffering=True)
