from __future__ import annotations

from datetime import datetime, timedelta, timezone

from backstay.domain.secrets import Secret
from backstay.engines.restic import argv
from backstay.ports.engine import BackupRequest, Paths, Repository, RestoreRequest, Stream
from backstay.targets.path import PathStore

SECRET = "correct horse"
REPOSITORY = Repository(
    "restic", "vault", "w", Secret(SECRET), PathStore("/srv", "restic", "w"), {"AWS_SECRET_ACCESS_KEY": Secret("also")}
)
AS_OF = datetime(2026, 3, 1, 1, 30, 5, tzinfo=timezone(timedelta(hours=2)))


def request(source: Paths | Stream) -> BackupRequest:
    return BackupRequest(REPOSITORY, "R1", "crm", "n0nce", source, AS_OF)


def test_a_backup_carries_the_marks_of_its_run_and_the_moment_of_its_data() -> None:
    command = argv.backup(request(Paths("/place", ("/srv/crm", "seal.json"), ("*.tmp",))), "a" * 64)
    assert command.argv == (
        *("restic", "--no-cache", "--repo", "/srv/restic/w", "backup", "--json", "--host=crm"),
        *("--time=2026-02-28 23:30:05", "--tag=run:R1", "--tag=workload:crm", "--tag=nonce:n0nce"),
        *(f"--parent={'a' * 64}", "--exclude=*.tmp", "--exclude=!backstay-seal.json", "--", "/srv/crm", "seal.json"),
    )
    assert (command.cwd, command.stop, command.run_id, command.env["TZ"]) == ("/place", "INT", "R1", "UTC")


def test_a_path_that_looks_like_an_option_is_a_path() -> None:
    command = argv.backup(request(Paths("/place", ("--dry-run",))), None)
    assert command.argv[-2:] == ("--", "--dry-run")


def test_a_stream_is_named() -> None:
    command = argv.backup(request(Stream("-odd.sql", lambda: ())), None)
    assert command.argv[-2:] == ("--stdin", "--stdin-filename=-odd.sql")


def test_secrets_are_in_the_environment_and_nowhere_else() -> None:
    commands = [
        argv.init(REPOSITORY, "/srv/new"),
        argv.backup(request(Paths("/", ("/srv",))), None),
        argv.snapshots(REPOSITORY),
        argv.restore(RestoreRequest(REPOSITORY, "a", "/into")),
        argv.check(REPOSITORY, read_data=True),
        argv.unlock(REPOSITORY, "all"),
    ]
    for command in commands:
        assert SECRET not in repr(command)
        assert command.env["RESTIC_PASSWORD"] == Secret(SECRET)
        assert command.env["AWS_SECRET_ACCESS_KEY"] == Secret("also")


def test_an_included_restore_brings_the_seal_only_when_asked() -> None:
    narrowed = RestoreRequest(REPOSITORY, "a", "/into", ("*.txt",))
    assert argv.restore(narrowed).argv[-1] == "--include=*.txt"
    sealed = RestoreRequest(REPOSITORY, "a", "/into", ("*.txt",), with_seal=True)
    assert argv.restore(sealed).argv[-1] == "--include=/backstay-seal.json"


def test_the_index_is_rebuilt_in_the_words_of_each_version() -> None:
    assert argv.rebuild_index(REPOSITORY, (0, 14, 0)).argv[-1:] == ("rebuild-index",)
    assert argv.rebuild_index(REPOSITORY, (0, 16, 0)).argv[-2:] == ("repair", "index")
