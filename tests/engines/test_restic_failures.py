from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from backstay.domain.errors import BackstayError, EngineFailed, MachineLacks, RepositoryDamaged, Unavailable
from backstay.domain.secrets import Secret
from backstay.engines.restic.failures import failure
from backstay.ports.engine import Repository
from backstay.ports.runner import Command, Finished
from engines.recorded import recorded


@dataclass(frozen=True)
class Listed:
    """A store that holds these pieces."""

    holds: Mapping[str, int] = field(default_factory=lambda: {"keys/k": 1})
    location: str = "/srv/vault/restic/w"

    def exists(self) -> bool:
        return bool(self.holds)

    def prepare(self) -> None:
        return None

    def pieces(self, under: str = "") -> Mapping[str, int]:
        return self.holds

    def digest(self, name: str) -> str:
        return ""

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | RepositoryDamaged]]:
        return iter(())

    def newest(self, count: int) -> Sequence[str]:
        return ()

    def watched(self) -> Callable[[], None]:
        return lambda: None

    def remove(self, name: str) -> None:
        return None


COMMAND = Command(("restic", "--repo", "/srv/vault/restic/w", "snapshots"), env={"RESTIC_PASSWORD": Secret("hush")})


def named(finished: Finished, store: Listed | None = None) -> BackstayError:
    return failure(finished, COMMAND, Repository("restic", "vault", "w", Secret("hush"), store or Listed()))


def said(err: str, status: int = 1) -> Finished:
    return Finished(status, "", err, 1.0)


@pytest.mark.parametrize(
    ("name", "status", "error", "words"),
    [
        ("wrong_key", 1, EngineFailed, "the key does not open the repository vault/w"),
        ("locked_check", 1, Unavailable, "by PID 6880 on host1"),
        ("disk_full", 1, MachineLacks, "no space left in /srv/vault/restic/w"),
        ("flip_index_backup", 1, RepositoryDamaged, "stored bytes of vault/w"),
        ("flip_config_list", 1, RepositoryDamaged, "stored bytes of vault/w"),
        ("flip_key_list", 1, RepositoryDamaged, "stored bytes of vault/w"),
        ("gone_restore", 1, RepositoryDamaged, "stored bytes of vault/w"),
        ("restore_missing", 1, EngineFailed, "restic ended with status 1 on vault/w"),
        ("missing_all", 1, EngineFailed, "restic ended with status 1 on vault/w"),
    ],
)
def test_a_recorded_failure_is_sorted_by_who_must_act(
    name: str, status: int, error: type[BackstayError], words: str
) -> None:
    found = named(recorded(name, status))
    assert type(found) is error
    assert words in found.message


@pytest.mark.parametrize(
    ("status", "err", "error"),
    [
        (10, "Fatal: repository does not exist: unable to open config file", RepositoryDamaged),
        (11, "unable to create lock in backend: repository is already locked by PID 7 on b by root", Unavailable),
        (12, "Fatal: wrong password or no key found", EngineFailed),
        (1, '{"message_type":"exit_error","code":1,"message":"Fatal: load <index/0af>: invalid data returned"}',
         RepositoryDamaged),
        (77, "something new", EngineFailed),
    ],
)  # fmt: skip
def test_a_failure_of_a_newer_version_is_sorted_the_same(status: int, err: str, error: type[BackstayError]) -> None:
    assert type(named(said(err, status))) is error


def test_no_repository_in_a_place_that_is_gone_is_unavailable() -> None:
    assert type(named(recorded("no_repository", 1), Listed(holds={}))) is Unavailable


def test_killed_by_a_signal_is_said_so() -> None:
    assert "killed by signal 9" in named(said("", -9)).message


def test_an_unknown_failure_shows_the_command_and_its_last_words_without_secrets() -> None:
    error = named(said("one\ntwo\nFatal: hush is odd\n", 1))
    assert error.hint == "`restic --repo /srv/vault/restic/w snapshots` said: one | two | Fatal: *** is odd"


def test_the_name_of_a_source_file_does_not_make_a_failure_look_like_damage() -> None:
    line = '{"message_type":"error","error":{"Err":13},"item":"/srv/invalid data returned"}\nFatal: odd'
    assert type(named(said(line))) is EngineFailed
