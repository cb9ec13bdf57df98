from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from backstay.engines.restic import output
from engines.recorded import recorded

RECORDED_ID = "d740cecc3e5c7ffd112e0d2d15a6b556c93037947cab68640786b54a17b2d3c4"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("restic 0.14.0 compiled with go1.19.8 on linux/amd64\n", (0, 14, 0)),
        ("restic 0.18.1-dev (compiled manually) compiled with go1.24 on linux/amd64", (0, 18, 1)),
        ("bash: restic: not found", None),
    ],
)
def test_a_version_is_read_or_it_is_none(text: str, wanted: tuple[int, ...] | None) -> None:
    assert output.version(text) == wanted


def test_a_recorded_backup_ends_in_a_summary_and_tells_how_far_it_is() -> None:
    heard = [output.backup_line(line) for line in recorded("disk_full", 1).out.splitlines()]
    assert output.Status(2_381_184, 8_000_000) in heard
    assert not any(isinstance(line, output.Summary) for line in heard)
    last = output.backup_line(recorded("backup", 0).out.splitlines()[-1])
    assert isinstance(last, output.Summary)
    assert (last.snapshot, last.files, last.bytes_read) == ("ee137403", 2, 6)


def test_a_summary_of_a_newer_version_names_the_whole_snapshot() -> None:
    line = json.dumps({"message_type": "summary", "snapshot_id": RECORDED_ID, "total_files_processed": 3})
    assert output.backup_line(line) == output.Summary(RECORDED_ID, 0, 0, 3)


@pytest.mark.parametrize("line", ["", "no parent snapshot found", "{cut off", "[1]", '{"message_type":"later"}'])
def test_other_lines_of_a_backup_say_nothing(line: str) -> None:
    assert output.backup_line(line) is None


def test_unreadable_files_are_named_once_with_the_reason() -> None:
    unread = output.unread(recorded("unreadable", 3).err, "/srv")
    assert unread.unreadable == (
        "/srv/ro/closed: could not be read",
        "/srv/ro/secret: open failed with errno 13",
    )
    assert unread.vanished == ()


def test_unreadable_files_are_named_in_the_words_of_a_newer_version() -> None:
    error = {"message_type": "error", "error": {"message": "open /srv/x: permission denied"}, "item": "/srv/x"}
    assert output.unread(json.dumps(error), "/").unreadable == ("/srv/x: open /srv/x: permission denied",)


@pytest.mark.parametrize(
    "error", [{"Op": "lstat", "Path": "x", "Err": 2}, {"message": "lstat /srv/x: no such file or directory"}]
)
def test_a_file_that_was_deleted_before_its_turn_is_not_a_gap(error: dict[str, object]) -> None:
    line = json.dumps({"message_type": "error", "error": error, "during": "archival", "item": "/srv/x"})
    assert output.unread(line, "/") == output.Unread((), ("/srv/x",))


def test_a_source_path_that_is_missing_is_a_gap_though_restic_exits_with_0() -> None:
    assert output.unread(recorded("missing_one", 0).err, "/srv").unreadable == ("/srv/nosuch: is not there",)


def test_recorded_snapshots_come_newest_first_with_their_marks() -> None:
    points = output.snapshots(recorded("snapshots", 0).out)
    assert [point.at for point in points] == sorted((point.at for point in points), reverse=True)
    oldest = points[-1]
    assert (oldest.snapshots, oldest.run_id, oldest.workload, oldest.nonce) == ((RECORDED_ID,), "r1", "w", "n1")
    assert oldest.at == datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert points[0].run_id is None


def test_a_rewritten_snapshot_remembers_its_earlier_name() -> None:
    entry = {"id": "b" * 64, "original": "a" * 64, "time": "2026-01-01T12:00:00.5+01:00", "tags": None}
    point = output.snapshots(json.dumps([entry]))[0]
    assert point.snapshots == ("b" * 64, "a" * 64)
    assert point.at == datetime(2026, 1, 1, 11, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("name", ["check", "check_data"])
def test_a_clean_check_has_nothing_to_say(name: str) -> None:
    done = recorded(name, 0)
    assert output.check(done.status, done.out, done.err) == output.Check(True, (), ())


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("flip_check_data", "Pack ID does not match"),
        ("gone_check", "does not exist"),
        ("cut_check", "unexpected file size: got 1000"),
        ("cut_check_data", "failed to download"),
        ("flip_index_check", "error loading index"),
        ("flip_snap_check", "invalid data returned"),
        ("nodata_check", "error for tree 4f3d6f8d: ReadFull"),
        ("noindex_check", "not found in repository"),
    ],
)
def test_a_recorded_damage_is_a_problem_that_names_it(name: str, problem: str) -> None:
    done = recorded(name, 1)
    check = output.check(done.status, done.out, done.err)
    assert not check.clean
    assert any(problem in line for line in check.problems)
    assert not any("retrying" in line or line.startswith("Fatal: repository") for line in check.problems)


def test_packs_that_nobody_needs_are_a_remark_and_no_problem() -> None:
    done = recorded("orphan_check", 0)
    check = output.check(done.status, done.out, done.err)
    assert check.clean
    assert check.problems == ()
    assert len(check.remarks) == 6


def test_a_flipped_byte_is_not_seen_by_a_check_that_reads_no_data() -> None:
    done = recorded("flip_check", 0)
    assert output.check(done.status, done.out, done.err).clean


def test_exit_status_0_without_the_sentence_is_not_clean() -> None:
    assert not output.check(0, "check all packs\n", "").clean
    assert not output.check(1, "no errors were found\n", "").clean


def test_complaints_of_a_restore_are_its_errors_without_retries_and_sums() -> None:
    lines = output.complaints(recorded("flip_restore", 1).err)
    assert lines == (
        "ignoring error for /src/f33: ciphertext verification failed",
        "ignoring error for /src/f33: UtimesNano: no such file or directory",
    )
    assert output.complaints(recorded("restore", 0).err) == ()


def test_a_lock_names_its_owner() -> None:
    lock = output.lock(recorded("cat_lock", 0).out)
    assert (lock.host, lock.pid) == ("host1", 6880)
    assert str(lock).startswith("pid 6880 on host1 since 2026-11-23T")
