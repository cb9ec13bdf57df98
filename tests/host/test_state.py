"""What is promised about the state folder."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from backstay.domain.errors import CatalogError, ConfigError
from backstay.host.state import open_state, part_of, state_error, state_path


@pytest.mark.parametrize(
    ("asked", "environment", "path"),
    [
        ("/a", {"BACKSTAY_STATE": "/b", "XDG_STATE_HOME": "/c", "HOME": "/d"}, "/a"),
        (None, {"BACKSTAY_STATE": "/b", "XDG_STATE_HOME": "/c", "HOME": "/d"}, "/b"),
        (None, {"BACKSTAY_STATE": "", "XDG_STATE_HOME": "/c", "HOME": "/d"}, "/c/backstay"),
        (None, {"XDG_STATE_HOME": "not/absolute", "HOME": "/d"}, "/d/.local/state/backstay"),
        (None, {"HOME": "/d"}, "/d/.local/state/backstay"),
    ],
)
def test_the_first_place_that_is_named_is_taken(asked: str | None, environment: dict[str, str], path: str) -> None:
    assert state_path(asked, environment) == path


def test_without_a_home_the_user_is_told_what_to_set() -> None:
    with pytest.raises(ConfigError, match="no home folder") as failed:
        state_path(None, {})
    assert failed.value.hint is not None
    assert "BACKSTAY_STATE" in failed.value.hint


def test_the_folder_and_its_parts_are_private(tmp_path: Path) -> None:
    state = open_state(str(tmp_path / "a" / "state"))
    assert Path(state).stat().st_mode & 0o777 == 0o700
    assert part_of(state, "keys").stat().st_mode & 0o777 == 0o700
    assert open_state(state) == state


def test_a_folder_in_which_others_may_write_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError, match="others may write"):
        open_state(str(tmp_path))
    assert tmp_path.stat().st_mode & 0o777 == 0o777


@pytest.mark.parametrize("path", ["/proc/backstay", "/proc/1"])
def test_a_folder_that_cannot_be_used_is_a_clear_error(path: str) -> None:
    with pytest.raises(CatalogError, match=rf"^{path}(/keys)? cannot be used: "):
        part_of(open_state(path), "keys")


def test_a_file_in_its_place_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(CatalogError, match="File exists"):
        open_state(str(tmp_path / "state"))


@pytest.mark.parametrize(
    ("number", "word"), [(errno.ENOSPC, "space"), (errno.EROFS, "read-only"), (errno.EACCES, "user")]
)
def test_a_full_or_locked_disk_comes_with_a_hint(number: int, word: str) -> None:
    hint = state_error(OSError(number, ""), "/state").hint
    assert hint is not None
    assert word in hint
