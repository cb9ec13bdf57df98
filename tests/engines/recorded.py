"""What restic 0.14 printed, recorded from real runs; paths and the host's name were changed afterwards."""

from __future__ import annotations

from pathlib import Path

from backstay.ports.runner import Finished

FOLDER = Path(__file__).parent / "transcripts" / "0.14"


def recorded(name: str, status: int) -> Finished:
    """The run called `name`; what is not there was empty."""
    return Finished(status, _text(f"{name}.out"), _text(f"{name}.err"), 1.0)


def _text(file_name: str) -> str:
    path = FOLDER / file_name
    return path.read_text() if path.exists() else ""
