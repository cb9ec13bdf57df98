from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.estates import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "vault").mkdir()
    return Place(tmp_path)
