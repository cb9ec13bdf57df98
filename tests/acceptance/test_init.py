"""`init` proposes what a machine holds, in a file that `check` accepts and that a person can learn from."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from acceptance.estates import PROGRAM, Place, some_database, some_files
from acceptance.ordinary import nobody
from backstay.app.check import CheckView, check
from backstay.app.init import InitView, init
from backstay.app.machine import ENTRIES_LOOKED_AT, Machine, this_machine
from backstay.app.wiring import Door
from backstay.config import load_or_raise
from backstay.domain.errors import ConfigError, Refused
from backstay.domain.estate import DatabaseSource, FilesSource
from postgres import private_postgres

Made = Callable[..., tuple[InitView, CheckView]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Runs `init` on a made-up machine, and `check` on what it wrote."""

    def make(**places: tuple[str, ...]) -> tuple[InitView, CheckView]:
        nowhere = Machine((), (), (), (), (), ())
        machine = Machine(**{**{name: getattr(nowhere, name) for name in Machine.__slots__}, **places})
        view = init(str(tmp_path / "etc"), str(tmp_path / "state"), machine)
        return view, check(Door(view.path))

    return make


def errors(checked: CheckView) -> list[str]:
    return [finding.message for finding in checked.findings if finding.severity == "error"]


def test_what_is_found_on_this_very_machine_passes_check_and_says_what_to_do_next(place: Place) -> None:
    answer = place.do("init", str(place.root))
    assert answer.status == 0, answer
    assert "backstay check" in answer.out
    checked = place.ask("check")
    assert [each for each in checked["findings"] if each["severity"] == "error"] == []
    assert {each["code"] for each in checked["findings"]} == {"not-yet", "too-few-copies"}


def test_the_document_names_the_file_and_what_was_found(place: Place) -> None:
    document = place.ask("init", str(place.root / "new" / "folder"))
    assert document["path"] == str(place.root / "new" / "folder" / "estate.yaml")
    assert all({"workload", "kind", "where", "remark", "proposed"} <= set(each) for each in document["found"])


def test_each_folder_below_a_tree_and_each_sqlite_file_is_a_workload(made: Made, tmp_path: Path) -> None:
    srv = tmp_path / "srv"
    some_files(srv / "crm")
    some_files(srv / "web")
    (srv / "empty" / "deeper").mkdir(parents=True)
    some_database(srv / "crm" / "ledger.db")
    (srv / "crm" / "not-one.db").write_text("no magic in here")
    view, checked = made(trees=(str(srv),), databases=(str(srv),))
    assert errors(checked) == []
    assert [(each.workload, each.kind, each.where) for each in view.found] == [
        ("srv-crm", "files", str(srv / "crm")),
        ("srv-web", "files", str(srv / "web")),
        ("ledger", "sqlite", str(srv / "crm" / "ledger.db")),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "two words",
        "Müller & Söhne",
        "日本語",
        'a "quoted" name',
        "it's",
        "back\\slash",
        "#hash: {colon}",
        "*star",
        "line\nbreak",
        "\u2028separator\x7f",
        "- dash",
        "true",
        "12",
        "x" * 250,
        "...",
        "~",
    ],
)
def test_any_name_of_a_folder_is_written_so_that_it_is_read_again(made: Made, tmp_path: Path, name: str) -> None:
    some_files(tmp_path / "srv" / name)
    view, checked = made(trees=(str(tmp_path / "srv"),))
    assert errors(checked) == []
    estate = load_or_raise(view.path)
    (workload,) = estate.workloads.values()
    assert workload.source == FilesSource((str(tmp_path / "srv" / name),))


def test_folders_whose_names_come_out_the_same_get_names_of_their_own(made: Made, tmp_path: Path) -> None:
    for name in ("a b", "a-b", "A B", "a b 2", "ä b"):
        some_files(tmp_path / "srv" / name, 1)
    view, checked = made(trees=(str(tmp_path / "srv"),))
    assert errors(checked) == []
    assert len({each.workload for each in view.found}) == 5


def test_a_name_that_the_file_cannot_hold_is_told_in_a_comment(made: Made, tmp_path: Path) -> None:
    for name in (b"odd-\xff", b"password=hunter"):
        some_files(Path(os.fsdecode(os.fsencode(tmp_path / "srv") + b"/" + name)), 1)
    some_files(tmp_path / "srv" / "plain", 1)
    view, checked = made(trees=(str(tmp_path / "srv"),))
    assert errors(checked) == []
    assert [each.workload for each in view.found if each.proposed] == ["srv-plain"]
    assert "name the folder above it" in Path(view.path).read_text(encoding="utf-8")


def test_copies_and_records_of_our_own_are_never_a_source(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home" / "ada"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr("backstay.app.init.TARGET_OF_ROOT", str(home / ".local/share/backstay/backups"))
    some_files(home / "papers")
    some_files(home / ".local/share/backstay/backups/restic/x")
    some_files(tmp_path / "state" / "keys")
    some_database(tmp_path / "state" / "catalog.db")
    roots = (str(tmp_path / "home"), str(tmp_path))
    view, checked = made(trees=roots, databases=roots)
    assert errors(checked) == []
    excluded = {path for each in view.found for path in each.exclude}
    assert excluded == {str(home / ".local/share/backstay/backups")}
    assert not [each for each in view.found if each.where.startswith(str(tmp_path / "state"))]


def test_what_does_not_last_is_not_proposed(made: Made, tmp_path: Path) -> None:
    some_files(tmp_path / "srv" / "kept")
    some_files(tmp_path / "srv" / "scratch")
    (tmp_path / "srv" / "kept" / "run").mkdir()
    some_database(tmp_path / "srv" / "kept" / "run" / "x.db")
    volatile = (str(tmp_path / "srv" / "scratch"), str(tmp_path / "srv" / "kept" / "run"))
    view, _ = made(trees=(str(tmp_path / "srv"),), databases=(str(tmp_path / "srv"),), volatile=volatile)
    assert [each.where for each in view.found] == [str(tmp_path / "srv" / "kept")]
    assert {"/proc", "/sys"} <= set(this_machine().volatile)


def test_many_folders_are_one_workload_and_many_databases_are_cut_off_in_the_open(made: Made, tmp_path: Path) -> None:
    for number in range(30):
        some_files(tmp_path / "srv" / f"tenant-{number}", 1)
        (tmp_path / "srv" / f"tenant-{number}" / "x.db").write_bytes(b"SQLite format 3\x00" + bytes(100))
    view, checked = made(trees=(str(tmp_path / "srv"),), databases=(str(tmp_path / "srv"),))
    assert errors(checked) == []
    assert [each.where for each in view.found if each.kind == "files"] == [str(tmp_path / "srv")]
    databases = [each.proposed for each in view.found if each.kind == "sqlite"]
    assert (databases.count(True), databases.count(False)) == (20, 10)


def test_thousands_of_folders_are_looked_at_in_a_bounded_time(made: Made, tmp_path: Path) -> None:
    deep = tmp_path / "srv" / "deep"
    for number in range(6_000):
        (deep / str(number % 60) / str(number)).mkdir(parents=True)
    begun = time.monotonic()
    made(trees=(str(tmp_path / "srv"),), databases=(str(tmp_path / "srv"),) * 3)
    assert time.monotonic() - begun < 10


def test_no_more_than_so_many_entries_are_looked_at(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backstay.app.looking.ENTRIES_LOOKED_AT", 10)
    assert ENTRIES_LOOKED_AT > 10_000
    some_files(tmp_path / "srv" / "a", 30)
    some_database(tmp_path / "srv" / "z.db")
    view, _ = made(databases=(str(tmp_path / "srv" / "a"),))
    assert [each.kind for each in view.found] == ["files"]


def test_databases_of_a_server_that_lets_us_in_are_proposed_one_by_one(made: Made) -> None:
    with private_postgres() as server:
        server.execute("CREATE DATABASE shop", 'CREATE DATABASE "Müller \'n\' ""Co"""')
        view, checked = made(sockets=(str(server.sockets),))
        assert errors(checked) == []
        assert [each.workload for each in view.found] == ["pg-muller-n-co", "pg-shop"]
        seen = []
        for workload in load_or_raise(view.path).workloads.values():
            assert isinstance(workload.source, DatabaseSource)
            with psycopg.connect(str(workload.source.dsn)) as connection:
                seen.append(connection.info.dbname)
    assert seen == ["Müller 'n' \"Co\"", "shop"]


def test_a_server_that_refuses_us_is_told_in_a_comment(made: Made) -> None:
    with private_postgres(password="only for this test") as server:
        view, checked = made(sockets=(str(server.sockets),))
    assert errors(checked) == []
    refused = view.found[0]
    assert (refused.kind, refused.proposed) == ("postgresql", False)
    assert "did not let us in" in refused.remark


def test_a_socket_that_nobody_answers_holds_nobody_up(made: Made, tmp_path: Path) -> None:
    short = Path("/tmp") / f"bsk{os.getpid()}"
    short.mkdir()
    with socket.socket(socket.AF_UNIX) as dead, socket.socket(socket.AF_UNIX) as silent:
        dead.bind(str(short / ".s.PGSQL.5432"))
        silent.bind(str(short / ".s.PGSQL.5433"))
        silent.listen()
        begun = time.monotonic()
        view, checked = made(sockets=(str(short),))
        took = time.monotonic() - begun
    for path in short.iterdir():
        path.unlink()
    short.rmdir()
    assert errors(checked) == []
    assert took < 8
    assert [each.remark for each in view.found[:2]] == ["nobody answered there"] * 2


def test_a_machine_with_nothing_on_it_gets_a_file_that_names_its_own_folder(made: Made, tmp_path: Path) -> None:
    view, checked = made()
    assert errors(checked) == []
    assert [each.where for each in view.found] == [str(tmp_path / "etc")]


def test_a_file_that_is_there_is_never_written_over(place: Place) -> None:
    (place.root / "estate.yaml").write_text("mine\n")
    answer = place.do("init", str(place.root))
    assert answer.status == 4, answer
    assert "estate.yaml is there already" in answer.err
    assert (place.root / "estate.yaml").read_text() == "mine\n"


def test_a_link_to_nowhere_counts_as_a_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused):
        init(str(tmp_path))
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_a_file_or_closed_is_the_callers_mistake(place: Place) -> None:
    (place.root / "file").write_text("")
    answer = place.do("init", str(place.root / "file"))
    assert answer.status == 2, answer
    assert "cannot be written" in answer.err
    closed = place.root / "closed"
    closed.mkdir(mode=0o500)
    (place.root / "private").mkdir(mode=0o700)
    for folder in (closed, place.root / "private", place.root / "private" / "new"):
        with nobody():
            if os.access(folder, os.W_OK, effective_ids=True):
                continue  # our own folder, when the tests are not run by root
            with pytest.raises(ConfigError, match="cannot be written"):
                init(str(folder))


def test_without_a_home_the_file_says_where_keys_will_lie_and_copies_go_beside_it(place: Place) -> None:
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [PROGRAM, "init", str(place.root)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done
    assert "set BACKSTAY_STATE to a folder that lasts" in (place.root / "estate.yaml").read_text()
    assert place.do("check").status == 0


def test_what_an_ordinary_user_cannot_read_whole_is_left_to_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    tmp_path.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/") and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    open_tree, closed_tree = some_files(tmp_path / "srv" / "open"), some_files(tmp_path / "srv" / "closed")
    (closed_tree / "file-1.txt").chmod(0)
    machine = Machine((str(tmp_path / "srv"),), (), (), (), (), ())
    folder = tmp_path / "mine"
    folder.mkdir()
    folder.chmod(0o777)
    with nobody():
        view = init(str(folder), str(folder / "state"), machine)
    assert {each.where: each.proposed for each in view.found} == {str(open_tree): True, str(closed_tree): False}
    checked = check(Door(view.path))
    assert errors(checked) == []
    assert str(folder / "backstay" / "backups") in Path(view.path).read_text()
